//! The dial against a hub on loopback that only listens.

use std::sync::Mutex;

use msap_shared::frame;
use msap_shared::id::{ChangeHash, Epoch, WriterId};
use msap_shared::io::certificate::{self, Authority, Key};
use msap_shared::io::listen::{Knock, Listener};
use msap_shared::io::serving::{Serving, Shown};
use msap_shared::io::tls;
use tokio::io::AsyncWriteExt;

use super::*;
use crate::identity::{AUTHORITIES_FILE, CERTIFICATE_FILE, KEY_FILE};

#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Open,
    Frame(Frame),
    Closed(CloseReason),
    Networks(String),
}

/// A core that notes everything and offers one frame at the start.
#[derive(Clone)]
struct Notes {
    heard: mpsc::UnboundedSender<Heard>,
    out: Arc<Mutex<Option<mpsc::Sender<Outgoing>>>>,
    wake: Arc<Notify>,
    hub: Arc<Mutex<Option<String>>>,
    networks: Arc<Mutex<String>>,
}

impl Notes {
    fn new(hub: &str) -> (Self, mpsc::UnboundedReceiver<Heard>) {
        let (sender, heard) = mpsc::unbounded_channel();
        let hub = Arc::new(Mutex::new(Some(hub.to_owned())));
        (Self { heard: sender, out: Arc::default(), wake: Arc::default(), hub, networks: Arc::default() }, heard)
    }
}

impl SessionPort for Notes {
    async fn hub(&self) -> Option<String> {
        self.hub.lock().unwrap().clone()
    }

    async fn networks(&self) -> String {
        self.networks.lock().unwrap().clone()
    }

    async fn remember(&self, networks: String) {
        networks.clone_into(&mut self.networks.lock().unwrap());
        self.heard.send(Heard::Networks(networks)).unwrap();
    }

    async fn open(&self, _transport: Transport) -> mpsc::Receiver<Outgoing> {
        let (out, queue) = mpsc::channel(4);
        out.try_send(Outgoing::Frame(offered())).unwrap();
        *self.out.lock().unwrap() = Some(out);
        self.heard.send(Heard::Open).unwrap();
        queue
    }

    async fn frame(&self, frame: Frame) -> Result<(), CloseCode> {
        self.heard.send(Heard::Frame(frame)).unwrap();
        Ok(())
    }

    async fn drained(&self) {}

    async fn closed(&self, _transport: Option<Transport>, why: CloseReason) {
        self.heard.send(Heard::Closed(why)).unwrap();
    }

    fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }
}

fn offered() -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::encode(&Frame::Offered, &mut bytes).unwrap();
    bytes
}

struct World {
    _dir: tempfile::TempDir,
    listener: Listener,
    /// What a hub of this network answers with.
    config: rustls::ServerConfig,
    notes: Notes,
    heard: mpsc::UnboundedReceiver<Heard>,
    shutdown: CancellationToken,
    running: tokio::task::JoinHandle<Result<(), IdentityError>>,
}

/// Long enough that nothing but a wake ends it within a test.
const NEVER: Duration = Duration::from_secs(3_600);

impl World {
    /// A machine that joined `signer`'s network and dials a hub of ours.
    fn new(settings: Settings, signer: Option<Authority>) -> Self {
        let ours = Authority::new(Key::generate().unwrap()).unwrap();
        let hub_key = Key::generate().unwrap();
        let shown = Shown {
            chain: vec![ours.certify_hub(&hub_key).unwrap()],
            key: hub_key.to_der(),
            authorities: vec![ours.certificate().clone()],
        };
        let config = tls::hub(Arc::new(Serving::new(shown).unwrap())).unwrap();
        let listener = listen(&config);
        let dir = tempfile::tempdir().unwrap();
        let key = Key::generate().unwrap();
        let signer = signer.as_ref().unwrap_or(&ours);
        let certificate = signer.certify_device(&key.signing_request().unwrap(), &"361".parse().unwrap()).unwrap();
        std::fs::write(dir.path().join(KEY_FILE), key.to_pem()).unwrap();
        std::fs::write(dir.path().join(CERTIFICATE_FILE), certificate::to_pem(&certificate)).unwrap();
        std::fs::write(dir.path().join(AUTHORITIES_FILE), certificate::to_pem(ours.certificate())).unwrap();
        let (notes, heard) = Notes::new(&listener.local_addr().unwrap().to_string());
        let shutdown = CancellationToken::new();
        let (path, port, stop) = (dir.path().to_owned(), notes.clone(), shutdown.clone());
        let running = tokio::spawn(async move { run(&path, None, settings, port, stop).await });
        Self { _dir: dir, listener, config, notes, heard, shutdown, running }
    }

    async fn hear(&mut self) -> Heard {
        tokio::time::timeout(Duration::from_secs(20), self.heard.recv()).await.unwrap().unwrap()
    }

    /// The hub's end of the next session, its first frame read.
    async fn accept(&self) -> Link {
        let knock = self.listener.next().await.unwrap().unwrap();
        let mut link = knock.accept().await.unwrap().open(std::future::pending()).await.unwrap();
        assert_eq!(link.next().await.unwrap(), Some(Frame::Offered));
        link
    }
}

fn listen(config: &rustls::ServerConfig) -> Listener {
    Listener::bind("127.0.0.1:0".parse().unwrap(), config.clone(), &[7; 32]).unwrap()
}

async fn close(link: Link, code: CloseCode) {
    link.end(End::Ours(code)).await;
}

fn settings() -> Settings {
    Settings { interval: NEVER, max_backoff: NEVER, greeting_max: NEVER, ..Settings::default() }
}

fn impatient() -> Settings {
    Settings { max_backoff: Duration::from_millis(20), ..settings() }
}

#[tokio::test]
async fn frames_flow_both_ways() {
    let mut world = World::new(settings(), None);
    let mut link = world.accept().await;
    assert_eq!(world.hear().await, Heard::Open);
    link.put(&Frame::Offered).await.unwrap();
    assert_eq!(world.hear().await, Heard::Frame(Frame::Offered));
    let out = world.notes.out.lock().unwrap().clone().unwrap();
    out.send(Outgoing::Frame(offered())).await.unwrap();
    assert_eq!(link.next().await.unwrap(), Some(Frame::Offered));
}

#[tokio::test]
async fn a_lost_session_is_followed_by_another() {
    let mut world = World::new(impatient(), None);
    for code in [CloseCode::Shutdown, CloseCode::Protocol, CloseCode::Busy] {
        let link = world.accept().await;
        assert_eq!(world.hear().await, Heard::Open);
        close(link, code).await;
        assert_eq!(world.hear().await, Heard::Closed(CloseReason::Theirs(code)));
    }
}

#[tokio::test]
async fn a_wake_ends_the_wait_of_a_device_that_was_turned_away() {
    let mut world = World::new(settings(), None);
    for code in [CloseCode::Revoked, CloseCode::Unknown, CloseCode::Normal] {
        let link = world.accept().await;
        assert_eq!(world.hear().await, Heard::Open);
        close(link, code).await;
        assert_eq!(world.hear().await, Heard::Closed(CloseReason::Theirs(code)));
        world.notes.wake.notify_one();
    }
    world.accept().await;
}

#[tokio::test]
async fn joining_anew_moves_the_next_attempt_to_the_new_address() {
    let mut world = World::new(settings(), None);
    let link = world.accept().await;
    assert_eq!(world.hear().await, Heard::Open);
    let elsewhere = listen(&world.config);
    *world.notes.hub.lock().unwrap() = Some(elsewhere.local_addr().unwrap().to_string());
    close(link, CloseCode::Revoked).await;
    assert_eq!(world.hear().await, Heard::Closed(CloseReason::Theirs(CloseCode::Revoked)));
    world.notes.wake.notify_one();
    let moved = tokio::time::timeout(Duration::from_secs(20), elsewhere.next()).await.unwrap().unwrap();
    assert!(moved.unwrap().accept().await.is_ok());
}

#[tokio::test]
async fn a_hub_that_never_greets_is_left() {
    let mut world = World::new(Settings { greeting_max: Duration::from_millis(100), ..settings() }, None);
    let link = world.accept().await;
    assert_eq!(world.hear().await, Heard::Open);
    let (why, heard) = tokio::join!(link.ended(), world.hear());
    assert_eq!(heard, Heard::Closed(CloseReason::Ours(CloseCode::Timeout)));
    assert_eq!(why, CloseReason::Theirs(CloseCode::Timeout));
}

/// A session in which the hub has greeted a device that it regards like this, and was then sent a
/// visit and an answer, in this order.
async fn sent_to_a_mute_hub(world: &mut World, standing: DeviceStanding) -> Link {
    let mut link = world.accept().await;
    assert_eq!(world.hear().await, Heard::Open);
    link.put(&welcome(standing)).await.unwrap();
    assert_eq!(world.hear().await, Heard::Frame(welcome(standing)));
    let out = world.notes.out.lock().unwrap().clone().unwrap();
    for frame in [push(), Frame::Offered] {
        let mut bytes = Vec::new();
        frame::encode(&frame, &mut bytes).unwrap();
        out.send(Outgoing::Frame(bytes)).await.unwrap();
        assert_eq!(link.next().await.unwrap(), Some(frame));
    }
    link
}

fn welcome(standing: DeviceStanding) -> Frame {
    let (epoch, mark) = (Epoch::new([1; 16]), frame::Mark { commit: 1, tag: 1 });
    Frame::Welcome(frame::Welcome { epoch, mark, protocol: 1, clock_ms: 0, in_sync: false, standing })
}

fn push() -> Frame {
    let document = "site/361/visits/2026-11".parse().unwrap();
    let changes = vec![vec![("k".to_owned(), "v".to_owned())]];
    let last_hash = ChangeHash::new([3; 32]);
    Frame::Push(frame::Push { document, writer: WriterId::new([2; 16]), first_seq: 1, changes, last_hash, mark: None })
}

#[tokio::test]
async fn a_hub_that_takes_visits_and_never_answers_is_left() {
    let mut world = World::new(Settings { answer_max: Duration::from_millis(100), ..settings() }, None);
    let link = sent_to_a_mute_hub(&mut world, DeviceStanding::Active).await;
    let (why, heard) = tokio::join!(link.ended(), world.hear());
    assert_eq!(heard, Heard::Closed(CloseReason::Ours(CloseCode::Timeout)));
    assert_eq!(why, CloseReason::Theirs(CloseCode::Timeout));
}

#[tokio::test]
async fn a_hub_that_owes_no_answer_may_be_quiet() {
    // Whoever waits for approval is not answered.
    let mut world = World::new(Settings { answer_max: Duration::ZERO, ..settings() }, None);
    let link = sent_to_a_mute_hub(&mut world, DeviceStanding::Pending).await;
    close(link, CloseCode::Normal).await;
    assert_eq!(world.hear().await, Heard::Closed(CloseReason::Theirs(CloseCode::Normal)));
    assert_eq!(Settings::default().greeting_max, Duration::from_secs(30));
    assert_eq!(Settings::default().answer_max, Duration::from_secs(120));
}

#[test]
fn a_session_without_a_greeting_is_no_good_one() {
    let good = |why, heard| was_good(&Attempt { transport: Transport::Quic, why, heard });
    assert!(good(CloseReason::Lost, Some(STEADY)));
    assert!(!good(CloseReason::Lost, Some(STEADY / 2)));
    assert!(!good(CloseReason::Lost, None));
    assert!(!good(CloseReason::Ours(CloseCode::Timeout), Some(STEADY)));
}

#[tokio::test]
async fn garbage_from_the_hub_ends_the_session_and_not_the_agent() {
    let mut world = World::new(impatient(), None);
    for (bytes, code) in [(vec![0xff; 16], CloseCode::TooLarge), (vec![0, 0, 2, 2, 0xff, 0xff], CloseCode::Protocol)] {
        let mut link = world.accept().await;
        assert_eq!(world.hear().await, Heard::Open);
        link.streams().1.write_all(&bytes).await.unwrap();
        assert_eq!(link.ended().await, CloseReason::Theirs(code));
        assert_eq!(world.hear().await, Heard::Closed(CloseReason::Ours(code)));
    }
}

#[tokio::test]
async fn a_certificate_the_hub_does_not_take_is_told() {
    let stranger = Authority::new(Key::generate().unwrap()).unwrap();
    let mut world = World::new(settings(), Some(stranger));
    assert!(world.listener.next().await.unwrap().unwrap().accept().await.is_err());
    // The agent's side of the handshake may be over before the hub has looked.
    let why = match world.hear().await {
        Heard::Open => world.hear().await,
        why => why,
    };
    assert_eq!(why, Heard::Closed(CloseReason::Rejected));
}

#[tokio::test]
async fn a_stop_closes_the_session_and_ends_the_dial() {
    let mut world = World::new(settings(), None);
    let link = world.accept().await;
    assert_eq!(world.hear().await, Heard::Open);
    world.shutdown.cancel();
    assert_eq!(link.ended().await, CloseReason::Theirs(CloseCode::Shutdown));
    assert_eq!(world.hear().await, Heard::Closed(CloseReason::Ours(CloseCode::Shutdown)));
    world.running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_machine_that_has_not_joined_does_not_dial() {
    let (notes, _heard) = Notes::new("127.0.0.1:1");
    let dir = tempfile::tempdir().unwrap();
    let end = run(dir.path(), None, settings(), notes, CancellationToken::new()).await;
    assert!(matches!(end, Err(IdentityError::NotJoined { .. })));
}

#[tokio::test]
async fn what_the_hub_asks_for_is_waited_for() {
    let mut world = World::new(settings(), None);
    let mut link = world.accept().await;
    assert_eq!(world.hear().await, Heard::Open);
    // Without the word, this hub would not be asked again within the test; it asked for a
    // millisecond.
    link.put(&Frame::Busy(frame::Busy { retry_after_ms: 1 })).await.unwrap();
    close(link, CloseCode::Normal).await;
    assert_eq!(world.hear().await, Heard::Closed(CloseReason::Theirs(CloseCode::Normal)));
    tokio::time::timeout(Duration::from_secs(20), world.accept()).await.unwrap();
}

#[tokio::test]
async fn where_udp_does_not_pass_tcp_does_and_that_is_remembered() {
    let patience = Duration::from_millis(200);
    let mut world = World::new(Settings { connect_max: patience, ..impatient() }, None);
    let mut link = tcp_where_udp_is_mute(&mut world).await;
    link.put(&Frame::Offered).await.unwrap();
    assert_eq!(world.hear().await, Heard::Open);
    assert_eq!(world.hear().await, Heard::Frame(Frame::Offered));
    close(link, CloseCode::Shutdown).await;
    let Heard::Networks(networks) = world.hear().await else { panic!("nothing is remembered") };
    assert!(networks.starts_with("127.0.0.0/24 "), "{networks}");
}

/// The hub's end of a session over TCP, after two attempts over QUIC that led to none.
async fn tcp_where_udp_is_mute(world: &mut World) -> Link {
    // Neither answered nor refused.
    let mut ignored = Vec::new();
    let knock = loop {
        match world.listener.next().await.unwrap().unwrap() {
            knock @ Knock::Quic(_) => ignored.push(knock),
            knock @ Knock::Tcp(..) => break knock,
        }
    };
    let mut link = knock.accept().await.unwrap().open(std::future::pending()).await.unwrap();
    assert_eq!(link.next().await.unwrap(), Some(Frame::Offered));
    for _ in 0..2 {
        assert_eq!(world.hear().await, Heard::Closed(CloseReason::Silent));
    }
    link
}
