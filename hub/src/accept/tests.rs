//! The accept loop on loopback, with a core that only takes notes.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use msap_shared::frame;
use msap_shared::io::certificate::{self, Key};
use msap_shared::io::enrol::{Answer, Denial, Enrolled, Request, SiteProfile, read, write};
use quinn::{ClientConfig, RecvStream, SendStream};
use rusqlite::Connection as Database;
use tokio::io::AsyncWriteExt;

use super::*;
use crate::enrol::{BoxFuture, EnrolDenied, enrol_in};
use crate::keys::Keys;
use crate::store::devices;

mod addresses;

const NOW: &str = "2026-11-20T09:00:00Z";
const SECRET: [u8; 16] = [5; 16];

/// What a core heard of.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Opened(SiteId),
    Frame(Frame),
    Closed(CloseReason),
}

/// A session's device, and the way to it.
type Session = (Peer, mpsc::Sender<Outgoing>);

/// A core that notes everything, answers each frame with one, and turns away one device.
#[derive(Clone)]
struct Notes {
    heard: mpsc::UnboundedSender<(ConnId, Heard)>,
    peers: Arc<Mutex<Vec<Session>>>,
    revoked: Option<Fingerprint>,
    next: Arc<AtomicU64>,
}

impl Sessions for Notes {
    async fn opened(&self, peer: Peer, out: mpsc::Sender<Outgoing>) -> Result<ConnId, CloseCode> {
        if self.revoked == Some(peer.fingerprint) {
            return Err(CloseCode::Revoked);
        }
        let conn = ConnId::new(self.next.fetch_add(1, Ordering::Relaxed));
        self.heard.send((conn, Heard::Opened(peer.certificate_site.clone()))).unwrap();
        self.peers.lock().unwrap().push((peer, out));
        Ok(conn)
    }

    async fn frame(&self, conn: ConnId, frame: Frame) -> Result<(), CloseCode> {
        let out = self.peers.lock().unwrap()[conn.number() as usize].1.clone();
        self.heard.send((conn, Heard::Frame(frame))).unwrap();
        out.send(Outgoing::Frame(offered())).await.map_err(|_| CloseCode::Internal)
    }

    async fn drained(&self, _conn: ConnId) {}

    async fn closed(&self, conn: ConnId, why: CloseReason) {
        self.heard.send((conn, Heard::Closed(why))).unwrap();
    }
}

/// Runs [`enrol_in`] on a database in memory.
struct Desk {
    database: Mutex<Database>,
    keys: Arc<Keys>,
}

impl Registrar for Desk {
    fn enrol(&self, request: Request) -> BoxFuture<'_, Result<Enrolled, EnrolDenied>> {
        Box::pin(async move {
            let mut database = self.database.lock().unwrap();
            let tx = database.transaction().unwrap();
            let now: Timestamp = NOW.parse().unwrap();
            let today = "2026-11-20".parse().unwrap();
            let enrolled = enrol_in(&tx, &self.keys, &request, "hub.example.fr:4433", now, today)?;
            tx.commit().unwrap();
            Ok(enrolled)
        })
    }
}

struct World {
    _dir: tempfile::TempDir,
    keys: Arc<Keys>,
    desk: Arc<Desk>,
    notes: Notes,
    heard: mpsc::UnboundedReceiver<(ConnId, Heard)>,
    address: String,
    shutdown: CancellationToken,
    running: tokio::task::JoinHandle<()>,
}

fn offered() -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::encode(&Frame::Offered, &mut bytes).unwrap();
    bytes
}

fn at(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_second()
}

impl World {
    fn new(limits: Limits, revoked: Option<Fingerprint>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keys = Arc::new(Keys::open_or_create(dir.path(), false).unwrap());
        let database = Database::open_in_memory().unwrap();
        database.execute_batch(&crate::store::MIGRATIONS.concat()).unwrap();
        database
            .execute_batch(
                "INSERT INTO site (id, name, kind, timezone) VALUES ('361', 'Perseigne', 'house', 'Europe/Paris')",
            )
            .unwrap();
        let desk = Arc::new(Desk { database: Mutex::new(database), keys: keys.clone() });
        let (sender, heard) = mpsc::unbounded_channel();
        let notes = Notes { heard: sender, peers: Arc::default(), revoked, next: Arc::default() };
        let endpoint = quic::listen("127.0.0.1:0".parse().unwrap(), keys.tls().unwrap()).unwrap();
        let address = endpoint.local_addr().unwrap().to_string();
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(run(endpoint, notes.clone(), desk.clone(), limits, shutdown.clone()));
        Self { _dir: dir, keys, desk, notes, heard, address, shutdown, running }
    }

    fn invite(&self, secret: [u8; 16], expires: &str) {
        let hash = msap_shared::io::join_code::JoinCode::secret_hash(&secret);
        let database = self.desk.database.lock().unwrap();
        devices::invite(&database, &"361".parse().unwrap(), hash, at(expires)).unwrap();
    }

    fn rows(&self) -> usize {
        devices::list(&self.desk.database.lock().unwrap(), None).unwrap().len()
    }

    async fn enrol(&self, request: &Request) -> Answer {
        let tls = tls::enrolling(self.keys.ca_hash()).unwrap();
        let (_endpoint, connection) = quic::connect(&self.address, &quic::client(tls).unwrap()).await.unwrap();
        let (mut send, mut receive) = connection.open_bi().await.unwrap();
        write(&mut send, request).await.unwrap();
        let answer = read(&mut receive).await.unwrap();
        connection.close(0_u32.into(), b"");
        answer
    }

    /// What the hub says to a request, as a denial.
    async fn denial(&self, request: &Request) -> Denial {
        match self.enrol(request).await {
            Answer::Denied(denied) => Denial::from_number(denied.code),
            Answer::Enrolled(_) => panic!("enrolled"),
        }
    }

    fn device(&self, key: &Key) -> ClientConfig {
        let request = key.signing_request().unwrap();
        let certificate = self.keys.certify_device(&request, &"361".parse().unwrap()).unwrap();
        quic::client(tls::device(&self.keys.authorities(), vec![certificate], key.to_der()).unwrap()).unwrap()
    }

    async fn connect(&self, key: &Key) -> Link {
        let (endpoint, connection) = quic::connect(&self.address, &self.device(key)).await.unwrap();
        let (send, receive) = connection.open_bi().await.unwrap();
        Link { _endpoint: endpoint, connection, send, frames: FrameReader::new(receive) }
    }

    async fn hear(&mut self) -> Heard {
        tokio::time::timeout(Duration::from_secs(10), self.heard.recv()).await.unwrap().unwrap().1
    }
}

/// A device's end of a session.
struct Link {
    _endpoint: Endpoint,
    connection: Connection,
    send: SendStream,
    frames: FrameReader<RecvStream>,
}

impl Link {
    async fn say(&mut self, bytes: &[u8]) {
        self.send.write_all(bytes).await.unwrap();
        self.send.flush().await.unwrap();
    }

    async fn closed(&self) -> CloseReason {
        let closed = tokio::time::timeout(Duration::from_secs(10), self.connection.closed());
        quic::reason(&closed.await.unwrap())
    }
}

fn request(key: &Key, secret: [u8; 16]) -> Request {
    Request {
        secret,
        signing_request: key.signing_request().unwrap(),
        label: " accueil\n1 ".to_owned(),
        app: "0.1.0".to_owned(),
        site: None,
    }
}

#[tokio::test]
async fn a_code_becomes_a_certificate_and_again_for_the_same_key() {
    let world = World::new(Limits::default(), None);
    world.invite(SECRET, "2026-11-27T09:00:00Z");
    let key = Key::generate().unwrap();
    for _ in 0..2 {
        let Answer::Enrolled(enrolled) = world.enrol(&request(&key, SECRET)).await else { panic!("denied") };
        let (fingerprint, site) = certificate::read_device(&enrolled.certificate.into()).unwrap();
        assert_eq!((fingerprint, site.as_str()), (key.fingerprint(), "361"));
        let profile = SiteProfile {
            site: "361".to_owned(),
            name: "Perseigne".to_owned(),
            kind: "house".to_owned(),
            timezone: "Europe/Paris".to_owned(),
            commune: String::new(),
            department: String::new(),
        };
        assert_eq!((enrolled.profile, enrolled.address.as_str()), (profile, "hub.example.fr:4433"));
        assert_eq!(enrolled.authorities.len(), 1);
    }
    assert_eq!(world.rows(), 1);
    let device = devices::find(&world.desk.database.lock().unwrap(), &key.fingerprint()).unwrap().unwrap();
    assert_eq!(device.label, "accueil1");
}

#[tokio::test]
async fn codes_that_do_not_serve_are_denied_and_leave_nothing() {
    let world = World::new(Limits::default(), None);
    world.invite(SECRET, "2026-11-27T09:00:00Z");
    world.invite([6; 16], "2026-11-20T09:00:00Z");
    let (key, other) = (Key::generate().unwrap(), Key::generate().unwrap());
    // Nobody can tell a wrong secret from an expired one.
    assert_eq!(world.denial(&request(&key, [6; 16])).await, Denial::InvalidCode);
    assert_eq!(world.denial(&request(&key, [7; 16])).await, Denial::InvalidCode);
    let elsewhere = Request { site: Some("597".to_owned()), ..request(&key, SECRET) };
    assert_eq!(world.denial(&elsewhere).await, Denial::OtherSite);
    let forged = Request { signing_request: vec![0x30; 40], ..request(&key, SECRET) };
    assert_eq!(world.denial(&forged).await, Denial::BadRequest);
    assert_eq!(world.rows(), 0);
    // None of these used the code up; this does.
    assert!(matches!(world.enrol(&request(&key, SECRET)).await, Answer::Enrolled(_)));
    assert_eq!(world.denial(&request(&other, SECRET)).await, Denial::CodeUsed);
    assert_eq!(world.rows(), 1);
}

#[tokio::test]
async fn a_key_on_the_list_of_revocations_is_never_enrolled() {
    let world = World::new(Limits::default(), None);
    world.invite(SECRET, "2026-11-27T09:00:00Z");
    let key = Key::generate().unwrap();
    world.keys.append_revocation(&key.fingerprint(), "2026-11-01".parse().unwrap(), "volé").unwrap();
    assert_eq!(world.denial(&request(&key, SECRET)).await, Denial::Revoked);
    assert_eq!(world.rows(), 0);
}

#[tokio::test]
async fn frames_of_a_session_reach_the_core_and_its_answers_the_device() {
    let mut world = World::new(Limits::default(), None);
    let mut link = world.connect(&Key::generate().unwrap()).await;
    link.say(&offered().repeat(3)).await;
    assert_eq!(world.hear().await, Heard::Opened("361".parse().unwrap()));
    for _ in 0..3 {
        assert_eq!(world.hear().await, Heard::Frame(Frame::Offered));
        assert_eq!(link.frames.next().await.unwrap(), Some(Frame::Offered));
    }
    link.send.finish().unwrap();
    link.connection.close(CloseCode::Normal.number().into(), b"");
    assert_eq!(world.hear().await, Heard::Closed(CloseReason::Theirs(CloseCode::Normal)));
}

#[tokio::test]
async fn bad_bytes_end_only_the_connection_they_came_on() {
    let mut world = World::new(Limits::default(), None);
    let mut healthy = world.connect(&Key::generate().unwrap()).await;
    healthy.say(&offered()).await;
    assert_eq!(world.hear().await, Heard::Opened("361".parse().unwrap()));
    assert_eq!(world.hear().await, Heard::Frame(Frame::Offered));
    let garbage: [(Vec<u8>, CloseCode); 3] = [
        (vec![0, 0, 2, 1, 0xff, 0xff], CloseCode::Protocol),
        (vec![0xff; 32], CloseCode::TooLarge),
        (vec![0, 0, 4, 0x81, 1, 2, 3, 4], CloseCode::Protocol),
    ];
    for (bytes, code) in garbage {
        // As the first words, and within a session.
        let mut link = world.connect(&Key::generate().unwrap()).await;
        link.say(&bytes).await;
        assert_eq!(link.closed().await, CloseReason::Theirs(code));
        let mut link = world.connect(&Key::generate().unwrap()).await;
        link.say(&[offered(), bytes].concat()).await;
        assert_eq!(link.closed().await, CloseReason::Theirs(code));
        assert!(matches!(world.hear().await, Heard::Opened(_)));
        assert!(matches!(world.hear().await, Heard::Frame(_)));
        assert_eq!(world.hear().await, Heard::Closed(CloseReason::Ours(code)));
    }
    // A stream that ends within a frame.
    let mut link = world.connect(&Key::generate().unwrap()).await;
    link.say(&[0, 0, 9, 1, 0]).await;
    link.send.finish().unwrap();
    assert_eq!(link.closed().await, CloseReason::Theirs(CloseCode::Protocol));
    assert_eq!(healthy.frames.next().await.unwrap(), Some(Frame::Offered));
    healthy.say(&offered()).await;
    assert_eq!(world.hear().await, Heard::Frame(Frame::Offered));
}

#[tokio::test]
async fn a_session_without_a_certificate_does_not_begin() {
    let mut world = World::new(Limits::default(), None);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(world.keys.authorities()[0].clone()).unwrap();
    let bare = rustls::ClientConfig::builder_with_provider(tls::provider());
    let bare = bare.with_protocol_versions(&[&rustls::version::TLS13]).unwrap();
    let mut bare = bare.with_root_certificates(roots).with_no_client_auth();
    bare.alpn_protocols = vec![tls::ALPN_SYNC.to_vec()];
    let (_endpoint, connection) = quic::connect(&world.address, &quic::client(bare).unwrap()).await.unwrap();
    assert_eq!(quic::reason(&connection.closed().await), CloseReason::Theirs(CloseCode::Unknown));
    assert!(world.heard.try_recv().is_err());
}

#[tokio::test]
async fn a_device_the_core_turns_away_learns_why() {
    let key = Key::generate().unwrap();
    let world = World::new(Limits::default(), Some(key.fingerprint()));
    let mut link = world.connect(&key).await;
    link.say(&offered()).await;
    assert_eq!(link.closed().await, CloseReason::Theirs(CloseCode::Revoked));
}

#[tokio::test]
async fn a_cut_ends_a_session_whose_queue_is_full() {
    let mut world = World::new(Limits::default(), None);
    let mut link = world.connect(&Key::generate().unwrap()).await;
    link.say(&offered()).await;
    assert_eq!(world.hear().await, Heard::Opened("361".parse().unwrap()));
    let (peer, out) = world.notes.peers.lock().unwrap()[0].clone();
    // The device reads nothing: its window, the stream's and the queue fill up.
    while out.try_send(Outgoing::Frame(vec![0; 200_000])).is_ok() {
        tokio::task::yield_now().await;
    }
    peer.cut.close(CloseCode::Revoked);
    peer.cut.close(CloseCode::Normal);
    assert_eq!(link.closed().await, CloseReason::Theirs(CloseCode::Revoked));
}

#[tokio::test]
async fn connections_are_limited_in_all_and_for_each_device() {
    let mut world = World::new(Limits { connections: 3, per_device: 2, ..Limits::default() }, None);
    let key = Key::generate().unwrap();
    let mut links = Vec::new();
    for _ in 0..2 {
        let mut link = world.connect(&key).await;
        link.say(&offered()).await;
        assert!(matches!(world.hear().await, Heard::Opened(_)));
        assert!(matches!(world.hear().await, Heard::Frame(_)));
        links.push(link);
    }
    let third = world.connect(&key).await;
    assert_eq!(third.closed().await, CloseReason::Theirs(CloseCode::Busy));
    // A device that leaves makes room.
    links.pop().unwrap().connection.close(0_u32.into(), b"");
    assert!(matches!(world.hear().await, Heard::Closed(_)));
    for _ in 0..2 {
        let other = Key::generate().unwrap();
        let mut link = world.connect(&other).await;
        link.say(&offered()).await;
        assert!(matches!(world.hear().await, Heard::Opened(_)));
        assert!(matches!(world.hear().await, Heard::Frame(_)));
        links.push(link);
    }
    let refused = quic::connect(&world.address, &world.device(&key)).await;
    assert_eq!(refused.err(), Some(CloseReason::Theirs(CloseCode::Busy)));
}

#[tokio::test]
async fn a_stop_tells_every_device_and_the_core() {
    let mut world = World::new(Limits::default(), None);
    let mut link = world.connect(&Key::generate().unwrap()).await;
    link.say(&offered()).await;
    assert!(matches!(world.hear().await, Heard::Opened(_)));
    assert!(matches!(world.hear().await, Heard::Frame(_)));
    world.shutdown.cancel();
    assert_eq!(link.closed().await, CloseReason::Theirs(CloseCode::Shutdown));
    assert_eq!(world.hear().await, Heard::Closed(CloseReason::Ours(CloseCode::Shutdown)));
    world.running.await.unwrap();
}
