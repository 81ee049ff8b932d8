//! The dial against a hub on loopback that only listens.

use std::sync::Mutex;

use msap_shared::frame;
use msap_shared::io::certificate::{self, Authority, Key};
use msap_shared::io::serving::{Serving, Shown};
use msap_shared::io::tls;
use quinn::{Endpoint, RecvStream, SendStream};

use super::*;
use crate::identity::{AUTHORITIES_FILE, CERTIFICATE_FILE, KEY_FILE};

#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Open,
    Frame(Frame),
    Closed(CloseReason),
}

/// A core that notes everything and offers one frame at the start.
#[derive(Clone)]
struct Notes {
    heard: mpsc::UnboundedSender<Heard>,
    out: Arc<Mutex<Option<mpsc::Sender<Outgoing>>>>,
    wake: Arc<Notify>,
    hub: Arc<Mutex<Option<String>>>,
}

impl Notes {
    fn new(hub: &str) -> (Self, mpsc::UnboundedReceiver<Heard>) {
        let (sender, heard) = mpsc::unbounded_channel();
        let hub = Arc::new(Mutex::new(Some(hub.to_owned())));
        (Self { heard: sender, out: Arc::default(), wake: Arc::default(), hub }, heard)
    }
}

impl SessionPort for Notes {
    async fn hub(&self) -> Option<String> {
        self.hub.lock().unwrap().clone()
    }

    async fn open(&self) -> mpsc::Receiver<Outgoing> {
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

    async fn closed(&self, why: CloseReason) {
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
    endpoint: Endpoint,
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
        let endpoint = listen(&config);
        let dir = tempfile::tempdir().unwrap();
        let key = Key::generate().unwrap();
        let signer = signer.as_ref().unwrap_or(&ours);
        let certificate = signer.certify_device(&key.signing_request().unwrap(), &"361".parse().unwrap()).unwrap();
        std::fs::write(dir.path().join(KEY_FILE), key.to_pem()).unwrap();
        std::fs::write(dir.path().join(CERTIFICATE_FILE), certificate::to_pem(&certificate)).unwrap();
        std::fs::write(dir.path().join(AUTHORITIES_FILE), certificate::to_pem(ours.certificate())).unwrap();
        let (notes, heard) = Notes::new(&endpoint.local_addr().unwrap().to_string());
        let shutdown = CancellationToken::new();
        let (path, port, stop) = (dir.path().to_owned(), notes.clone(), shutdown.clone());
        let running = tokio::spawn(async move { run(&path, None, settings, port, stop).await });
        Self { _dir: dir, endpoint, config, notes, heard, shutdown, running }
    }

    async fn hear(&mut self) -> Heard {
        tokio::time::timeout(Duration::from_secs(20), self.heard.recv()).await.unwrap().unwrap()
    }

    /// The hub's end of the next session, its first frame read.
    async fn accept(&self) -> (Connection, SendStream, FrameReader<RecvStream>) {
        let connection = self.endpoint.accept().await.unwrap().await.unwrap();
        let (send, receive) = connection.accept_bi().await.unwrap();
        let mut frames = FrameReader::new(receive);
        assert_eq!(frames.next().await.unwrap(), Some(Frame::Offered));
        (connection, send, frames)
    }
}

fn listen(config: &rustls::ServerConfig) -> Endpoint {
    quic::listen("127.0.0.1:0".parse().unwrap(), config.clone()).unwrap()
}

fn settings() -> Settings {
    Settings { interval: NEVER, max_backoff: NEVER, greeting_max: NEVER }
}

fn impatient() -> Settings {
    Settings { max_backoff: Duration::from_millis(20), ..settings() }
}

#[tokio::test]
async fn frames_flow_both_ways() {
    let mut world = World::new(settings(), None);
    let (_connection, mut send, mut frames) = world.accept().await;
    assert_eq!(world.hear().await, Heard::Open);
    send.write_all(&offered()).await.unwrap();
    assert_eq!(world.hear().await, Heard::Frame(Frame::Offered));
    let out = world.notes.out.lock().unwrap().clone().unwrap();
    out.send(Outgoing::Frame(offered())).await.unwrap();
    assert_eq!(frames.next().await.unwrap(), Some(Frame::Offered));
}

#[tokio::test]
async fn a_lost_session_is_followed_by_another() {
    let mut world = World::new(impatient(), None);
    for code in [CloseCode::Shutdown, CloseCode::Protocol, CloseCode::Busy] {
        let (connection, ..) = world.accept().await;
        assert_eq!(world.hear().await, Heard::Open);
        connection.close(code.number().into(), b"");
        assert_eq!(world.hear().await, Heard::Closed(CloseReason::Theirs(code)));
    }
}

#[tokio::test]
async fn a_wake_ends_the_wait_of_a_device_that_was_turned_away() {
    let mut world = World::new(settings(), None);
    for code in [CloseCode::Revoked, CloseCode::Unknown, CloseCode::Normal] {
        let (connection, ..) = world.accept().await;
        assert_eq!(world.hear().await, Heard::Open);
        connection.close(code.number().into(), b"");
        assert_eq!(world.hear().await, Heard::Closed(CloseReason::Theirs(code)));
        world.notes.wake.notify_one();
    }
    world.accept().await;
}

#[tokio::test]
async fn joining_anew_moves_the_next_attempt_to_the_new_address() {
    let mut world = World::new(settings(), None);
    let (connection, ..) = world.accept().await;
    assert_eq!(world.hear().await, Heard::Open);
    let elsewhere = listen(&world.config);
    *world.notes.hub.lock().unwrap() = Some(elsewhere.local_addr().unwrap().to_string());
    connection.close(CloseCode::Revoked.number().into(), b"");
    assert_eq!(world.hear().await, Heard::Closed(CloseReason::Theirs(CloseCode::Revoked)));
    world.notes.wake.notify_one();
    let moved = tokio::time::timeout(Duration::from_secs(20), elsewhere.accept()).await.unwrap().unwrap();
    assert!(moved.await.is_ok());
}

#[tokio::test]
async fn a_hub_that_never_greets_is_left() {
    let mut world = World::new(Settings { greeting_max: Duration::from_millis(100), ..settings() }, None);
    let connection = world.endpoint.accept().await.unwrap().await.unwrap();
    assert_eq!(world.hear().await, Heard::Open);
    assert_eq!(world.hear().await, Heard::Closed(CloseReason::Ours(CloseCode::Timeout)));
    assert_eq!(quic::reason(&connection.closed().await), CloseReason::Theirs(CloseCode::Timeout));
}

#[tokio::test]
async fn a_hub_that_greeted_may_be_quiet() {
    let heard = Notify::new();
    heard.notify_one();
    let greeted = tokio::time::timeout(Duration::from_millis(50), mute(&heard, Duration::ZERO)).await;
    assert!(greeted.is_err());
    mute(&heard, Duration::ZERO).await;
    assert_eq!(Settings::default().greeting_max, Duration::from_secs(30));
}

#[test]
fn a_session_without_a_greeting_is_no_good_one() {
    assert!(was_good(CloseReason::Lost, STEADY));
    assert!(!was_good(CloseReason::Lost, STEADY / 2));
    assert!(!was_good(CloseReason::Ours(CloseCode::Timeout), STEADY));
}

#[tokio::test]
async fn garbage_from_the_hub_ends_the_session_and_not_the_agent() {
    let mut world = World::new(impatient(), None);
    for (bytes, code) in [(vec![0xff; 16], CloseCode::TooLarge), (vec![0, 0, 2, 2, 0xff, 0xff], CloseCode::Protocol)] {
        let (connection, mut send, _frames) = world.accept().await;
        assert_eq!(world.hear().await, Heard::Open);
        send.write_all(&bytes).await.unwrap();
        assert_eq!(world.hear().await, Heard::Closed(CloseReason::Ours(code)));
        assert_eq!(quic::reason(&connection.closed().await), CloseReason::Theirs(code));
    }
}

#[tokio::test]
async fn a_certificate_the_hub_does_not_take_is_told() {
    let stranger = Authority::new(Key::generate().unwrap()).unwrap();
    let mut world = World::new(settings(), Some(stranger));
    assert!(world.endpoint.accept().await.unwrap().await.is_err());
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
    let (connection, ..) = world.accept().await;
    assert_eq!(world.hear().await, Heard::Open);
    world.shutdown.cancel();
    assert_eq!(world.hear().await, Heard::Closed(CloseReason::Ours(CloseCode::Shutdown)));
    assert_eq!(quic::reason(&connection.closed().await), CloseReason::Theirs(CloseCode::Shutdown));
    world.running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_machine_that_has_not_joined_does_not_dial() {
    let (notes, _heard) = Notes::new("127.0.0.1:1");
    let dir = tempfile::tempdir().unwrap();
    let end = run(dir.path(), None, settings(), notes, CancellationToken::new()).await;
    assert!(matches!(end, Err(IdentityError::NotJoined { .. })));
}

#[test]
fn waits_follow_from_how_the_session_ended() {
    let backoff = Backoff { base_ms: 1_000, cap_ms: 900_000 };
    let wait = |why, attempt| wait_ms(why, Duration::from_secs(60), &backoff, attempt, u64::MAX / 2);
    for why in
        [CloseReason::Theirs(CloseCode::Revoked), CloseReason::Theirs(CloseCode::Unknown), CloseReason::Untrusted]
    {
        assert!(wait(why, 0) >= 450_000);
    }
    assert!((30_000..=60_000).contains(&wait(CloseReason::Theirs(CloseCode::Normal), 9)));
    for why in [CloseReason::Silent, CloseReason::Theirs(CloseCode::Shutdown), CloseReason::Ours(CloseCode::Protocol)] {
        assert!((500..=1_000).contains(&wait(why, 0)));
        assert!((450_000..=900_000).contains(&wait(why, 30)));
    }
}
