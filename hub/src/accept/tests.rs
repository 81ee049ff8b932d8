//! The accept loop on loopback, with a core that only takes notes.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use msap_shared::frame;
use msap_shared::io::certificate::{self, Key};
use msap_shared::io::enrol::{Answer, Denial, Enrolled, Request, SiteProfile, read, write};
use msap_shared::io::link::{Link, Transport};
use msap_shared::io::pump::End;
use msap_shared::io::reach::Client;
use msap_shared::io::tls::{self, Conversation};
use rusqlite::Connection as Database;
use tokio::io::AsyncWriteExt;

use super::*;
use crate::enrol::{BoxFuture, EnrolDenied, enrol_in};
use crate::keys::Keys;
use crate::store::devices;

mod addresses;
mod enrolment;
mod sessions;
mod slow;

const NOW: &str = "2026-11-20T09:00:00Z";
const SECRET: [u8; 16] = [5; 16];

/// What a core heard of.
#[derive(Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "tests make few of them")]
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
            let enrolled = enrol_in(&tx, &self.keys, &request, "hub.example.fr:4433", now)?;
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
    address: SocketAddr,
    transport: Transport,
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
        Self::over(Transport::Quic, limits, revoked)
    }

    /// A hub whose devices come over this transport.
    fn over(transport: Transport, limits: Limits, revoked: Option<Fingerprint>) -> Self {
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
        let secret = keys.transport_secret();
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), keys.tls().unwrap(), &secret).unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(run(listener, notes.clone(), desk.clone(), limits, shutdown.clone()));
        Self { _dir: dir, keys, desk, notes, heard, address, transport, shutdown, running }
    }

    fn invite(&self, secret: [u8; 16], expires: &str) {
        let hash = msap_shared::io::join_code::JoinCode::secret_hash(&secret);
        let database = self.desk.database.lock().unwrap();
        devices::invite(&database, &"361".parse().unwrap(), hash, at(expires), None).unwrap();
    }

    fn rows(&self) -> usize {
        devices::list(&self.desk.database.lock().unwrap(), None).unwrap().len()
    }

    async fn reach(&self, client: &Client) -> Result<Link, CloseReason> {
        client.connect(&[self.address], self.transport, HANDSHAKE_MAX).await
    }

    /// Somebody without a certificate.
    fn stranger(&self) -> Client {
        Client::new(tls::enrolling(self.keys.ca_hash()).unwrap(), Conversation::Enrol).unwrap()
    }

    async fn enrol(&self, request: &Request) -> Answer {
        let mut link = self.reach(&self.stranger()).await.unwrap();
        let (receive, send) = link.streams();
        write(send, request).await.unwrap();
        let answer = read(receive).await.unwrap();
        link.end(End::Ours(CloseCode::Normal)).await;
        answer
    }

    /// What the hub says to a request, as a denial.
    async fn denial(&self, request: &Request) -> Denial {
        match self.enrol(request).await {
            Answer::Denied(denied) => Denial::from_number(denied.code),
            Answer::Enrolled(_) => panic!("enrolled"),
        }
    }

    fn device(&self, key: &Key) -> Client {
        let request = key.signing_request().unwrap();
        let certificate = self.keys.certify_device(&request, &"361".parse().unwrap()).unwrap();
        let tls = tls::device(&self.keys.authorities(), vec![certificate], key.to_der()).unwrap();
        Client::new(tls, Conversation::Sync).unwrap()
    }

    async fn connect(&self, key: &Key) -> Link {
        self.reach(&self.device(key)).await.unwrap()
    }

    async fn hear(&mut self) -> Heard {
        tokio::time::timeout(Duration::from_secs(10), self.heard.recv()).await.unwrap().unwrap().1
    }

    /// A device in session, its first frame heard.
    async fn in_session(&mut self, key: &Key) -> Link {
        let mut link = self.connect(key).await;
        say(&mut link, &offered()).await;
        assert!(matches!(self.hear().await, Heard::Opened(_)));
        assert!(matches!(self.hear().await, Heard::Frame(_)));
        link
    }
}

/// Any bytes.
async fn say(link: &mut Link, bytes: &[u8]) {
    let (_, send) = link.streams();
    send.write_all(bytes).await.unwrap();
    send.flush().await.unwrap();
}

/// How the hub ends it.
async fn closed(link: Link) -> CloseReason {
    tokio::time::timeout(Duration::from_secs(10), link.ended()).await.unwrap()
}

/// Each of these claims holds over both transports.
macro_rules! over_both {
    ($($claim:ident),* $(,)?) => {
        mod over_quic {
            use super::*;
            $(#[tokio::test] async fn $claim() { super::$claim(Transport::Quic).await; })*
        }
        mod over_tcp {
            use super::*;
            $(#[tokio::test] async fn $claim() { super::$claim(Transport::Tcp).await; })*
        }
    };
}
use over_both;

fn request(key: &Key, secret: [u8; 16]) -> Request {
    Request {
        secret,
        signing_request: key.signing_request().unwrap(),
        label: " accueil\n1 ".to_owned(),
        app: "0.1.0".to_owned(),
        site: None,
        previous: None,
    }
}
