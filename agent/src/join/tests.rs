//! Joining against a small hub on loopback.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use msap_shared::io::certificate::{Authority, Key};
use msap_shared::io::enrol::{Denied, SiteProfile};
use msap_shared::io::listen::{Knock, Listener};
use msap_shared::io::serving::{Serving, Shown};

use super::*;
use crate::identity::Identity;

/// What the hub does with a request.
type Reply = Box<dyn Fn(&Authority, &Request) -> Option<Answer> + Send + Sync>;

struct Hub {
    authority: Arc<Authority>,
    address: String,
    /// Streams that a client opened, which is how a secret would travel.
    streams: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Hub {
    fn new(reply: Reply) -> Self {
        Self::over(&[Transport::Quic, Transport::Tcp], reply)
    }

    /// A hub that can be reached over these transports only.
    fn over(passing: &'static [Transport], reply: Reply) -> Self {
        let authority = Arc::new(Authority::new(Key::generate().unwrap()).unwrap());
        let key = Key::generate().unwrap();
        let shown = Shown {
            chain: vec![authority.certify_hub(&key).unwrap()],
            key: key.to_der(),
            authorities: vec![authority.certificate().clone()],
        };
        let config = tls::hub(Arc::new(Serving::new(shown).unwrap())).unwrap();
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), config, &[7; 32]).unwrap();
        let hub = Self {
            authority: authority.clone(),
            address: listener.local_addr().unwrap().to_string(),
            streams: Arc::default(),
            requests: Arc::default(),
        };
        let (streams, requests) = (hub.streams.clone(), hub.requests.clone());
        tokio::spawn(async move {
            let mut ignored = Vec::new();
            while let Ok(Some(knock)) = listener.next().await {
                let transport = if matches!(knock, Knock::Quic(_)) { Transport::Quic } else { Transport::Tcp };
                if !passing.contains(&transport) {
                    // Neither answered nor refused.
                    ignored.push(knock);
                    continue;
                }
                let Ok(arrival) = knock.accept().await else { continue };
                let Ok(mut link) = arrival.open(std::future::pending()).await else { continue };
                streams.fetch_add(1, Ordering::SeqCst);
                let (receive, send) = link.streams();
                let request: Request = read(receive).await.unwrap();
                let answer = reply(&authority, &request);
                requests.lock().unwrap().push(request);
                match answer {
                    Some(answer) => {
                        write(send, &answer).await.unwrap();
                        link.ended().await;
                    }
                    None => drop(link.end(End::Ours(CloseCode::Internal)).await),
                }
            }
        });
        hub
    }

    fn code(&self, secret: u8) -> String {
        let code = JoinCode { ca_hash: self.authority.hash(), secret: [secret; 16], address: self.address.clone() };
        code.to_string()
    }
}

fn enrolled(authority: &Authority, request: &Request, site: &str) -> Answer {
    let certificate = authority.certify_device(&request.signing_request, &site.parse().unwrap()).unwrap();
    Answer::Enrolled(Enrolled {
        certificate: certificate.to_vec(),
        authorities: vec![authority.certificate().to_vec().into()],
        profile: SiteProfile {
            site: site.to_owned(),
            name: "Alençon-Perseigne".to_owned(),
            kind: "house".to_owned(),
            timezone: "Europe/Paris".to_owned(),
            commune: "Alençon".to_owned(),
            department: "61".to_owned(),
        },
        address: "hub.example.fr:4433".to_owned(),
    })
}

fn welcoming() -> Reply {
    Box::new(|authority, request| Some(enrolled(authority, request, "361")))
}

fn denying(denial: Denial) -> Reply {
    let answer = Answer::Denied(Denied { code: denial.number(), message: "non".to_owned() });
    Box::new(move |_, _| Some(answer.clone()))
}

#[tokio::test]
async fn a_machine_that_joined_knows_who_it_is() {
    let hub = Hub::new(welcoming());
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("données de l’accueil");
    let joined = join(&dir, &hub.code(1), " accueil 1\n").await.unwrap();
    assert_eq!((joined.site.as_str(), joined.name.as_str()), ("361", "Alençon-Perseigne"));
    assert_eq!(joined.timezone.name(), "Europe/Paris");
    let identity = Identity::load(&dir).unwrap();
    assert_eq!((identity.site(), identity.fingerprint().device()), (&joined.site, joined.device));
    let profile = meta::profile(&store::open(&dir).unwrap()).unwrap();
    assert_eq!((profile.label.as_str(), profile.hub.as_str()), ("accueil 1", "hub.example.fr:4433"));
    assert_eq!(profile.device, joined.device);
}

#[tokio::test]
async fn where_udp_does_not_pass_a_machine_joins_over_tcp_and_remembers() {
    let hub = Hub::over(&[Transport::Tcp], welcoming());
    let dir = tempfile::tempdir().unwrap();
    join(dir.path(), &hub.code(1), "accueil").await.unwrap();
    let networks = meta::networks(&store::open(dir.path()).unwrap()).unwrap();
    assert!(networks.starts_with("127.0.0.0/24 "), "{networks}");
}

#[tokio::test]
async fn a_false_hub_is_never_shown_the_secret() {
    let (hub, impostor) = (Hub::new(welcoming()), Hub::new(welcoming()));
    let dir = tempfile::tempdir().unwrap();
    let code = JoinCode { ca_hash: hub.authority.hash(), secret: [1; 16], address: impostor.address.clone() };
    let error = join(dir.path(), &code.to_string(), "").await.unwrap_err();
    assert!(matches!(error, JoinError::NotTheHub { .. }), "{error}");
    assert_eq!(error.exit_code(), 6);
    assert_eq!((impostor.streams.load(Ordering::SeqCst), impostor.requests.lock().unwrap().len()), (0, 0));
    assert!(!dir.path().join(store::FILE_NAME).exists());
}

#[tokio::test]
async fn a_lost_answer_is_repaired_by_the_same_code_with_the_same_key() {
    let tries = AtomicUsize::new(0);
    let hub = Hub::new(Box::new(move |authority, request| {
        (tries.fetch_add(1, Ordering::SeqCst) > 0).then(|| enrolled(authority, request, "361"))
    }));
    let dir = tempfile::tempdir().unwrap();
    let error = join(dir.path(), &hub.code(1), "").await.unwrap_err();
    assert!(matches!(error, JoinError::Interrupted { .. }), "{error}");
    assert_eq!(error.exit_code(), 7);
    // Again, and once more after it had worked.
    let joined = [join(dir.path(), &hub.code(1), "").await.unwrap(), join(dir.path(), &hub.code(1), "").await.unwrap()];
    assert_eq!(joined[0], joined[1]);
    let spkis: Vec<_> = hub.requests.lock().unwrap().iter().map(|r| key_of(&hub.authority, r)).collect();
    assert_eq!(spkis, [joined[0].device; 3]);
}

fn key_of(authority: &Authority, request: &Request) -> DeviceId {
    let certificate = authority.certify_device(&request.signing_request, &"361".parse().unwrap()).unwrap();
    read_device(&certificate).unwrap().0.device()
}

#[tokio::test]
async fn a_new_invitation_changes_the_key_and_keeps_the_site() {
    let hub = Hub::new(welcoming());
    let dir = tempfile::tempdir().unwrap();
    let first = join(dir.path(), &hub.code(1), "").await.unwrap();
    let second = join(dir.path(), &hub.code(2), "").await.unwrap();
    assert_eq!(first.site, second.site);
    assert_ne!(first.device, second.device);
    assert_eq!(Identity::load(dir.path()).unwrap().fingerprint().device(), second.device);
    // The hub is told which site this machine counts for.
    assert_eq!(hub.requests.lock().unwrap()[1].site.as_deref(), Some("361"));
}

#[tokio::test]
async fn a_machine_never_changes_sites() {
    let hub = Hub::new(welcoming());
    let other = Hub::new(Box::new(|authority, request| Some(enrolled(authority, request, "597"))));
    let dir = tempfile::tempdir().unwrap();
    let joined = join(dir.path(), &hub.code(1), "").await.unwrap();
    let error = join(dir.path(), &other.code(2), "").await.unwrap_err();
    assert_eq!(error.exit_code(), 5, "{error}");
    assert_eq!(Identity::load(dir.path()).unwrap().fingerprint().device(), joined.device);
}

#[tokio::test]
async fn each_refusal_says_what_to_do() {
    for (denial, exit, words) in [
        (Denial::InvalidCode, 6, "nouveau code"),
        (Denial::CodeUsed, 6, "déjà servi"),
        (Denial::Revoked, 6, "exclu"),
        (Denial::OtherSite, 5, "autre lieu"),
        (Denial::Busy, 7, "Relancez"),
        (Denial::Other, 6, "non"),
    ] {
        let hub = Hub::new(denying(denial));
        let dir = tempfile::tempdir().unwrap();
        let error = join(dir.path(), &hub.code(1), "").await.unwrap_err();
        assert_eq!(error.exit_code(), exit, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(!dir.path().join(store::FILE_NAME).exists());
    }
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_changes_nothing() {
    let stranger = Arc::new(Authority::new(Key::generate().unwrap()).unwrap());
    let replies: [Reply; 3] = [
        // A certificate of another key.
        Box::new(move |_, request| {
            let other =
                Request { signing_request: Key::generate().unwrap().signing_request().unwrap(), ..request.clone() };
            Some(enrolled(&stranger, &other, "361"))
        }),
        Box::new(|authority, request| match enrolled(authority, request, "361") {
            Answer::Enrolled(mut e) => {
                e.profile.timezone = "Mars/Olympus".to_owned();
                Some(Answer::Enrolled(e))
            }
            denied => Some(denied),
        }),
        Box::new(|authority, request| match enrolled(authority, request, "361") {
            Answer::Enrolled(mut e) => {
                e.authorities.clear();
                Some(Answer::Enrolled(e))
            }
            denied => Some(denied),
        }),
    ];
    for reply in replies {
        let hub = Hub::new(reply);
        let dir = tempfile::tempdir().unwrap();
        let error = join(dir.path(), &hub.code(1), "").await.unwrap_err();
        assert!(matches!(error, JoinError::Answer(_)), "{error}");
        assert!(Identity::load(dir.path()).is_err());
    }
}

#[tokio::test]
async fn a_bad_code_or_a_mute_address_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let error = join(dir.path(), "msap1-abc", "").await.unwrap_err();
    assert_eq!(error.exit_code(), 5, "{error}");
    let code = JoinCode { ca_hash: [0; 16], secret: [0; 16], address: "hub.invalid:4433".to_owned() };
    let error = join(dir.path(), &code.to_string(), "").await.unwrap_err();
    assert!(matches!(error, JoinError::Unreachable { why: CloseReason::Unresolved, .. }), "{error}");
    assert_eq!(error.exit_code(), 7);
}

#[test]
fn an_address_that_leads_nowhere_leaves_the_codes_in_place() {
    for nowhere in ["", "[::]:4433", "0.0.0.0:4433", "[::ffff:0.0.0.0]:4433", "hub.example.fr", "hub.example.fr:0"] {
        assert!(!is_reachable(nowhere), "{nowhere}");
    }
    for reachable in ["hub.example.fr:4433", "192.0.2.1:4433", "[2001:db8::1]:4433"] {
        assert!(is_reachable(reachable), "{reachable}");
    }
}
