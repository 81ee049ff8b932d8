//! Files that were cut, changed, signed by somebody else, or meant for somebody else.

use proptest::prelude::*;

use super::join::JoinRequest;
use super::*;
use crate::frame::Have;
use crate::io::certificate::Authority;

struct Network {
    authority: Authority,
    hub: Key,
    device: Key,
}

impl Network {
    fn new() -> Self {
        let key = || Key::generate().unwrap();
        Self { authority: Authority::new(key()).unwrap(), hub: key(), device: key() }
    }

    fn authorities(&self) -> [CertificateDer<'static>; 1] {
        [self.authority.certificate().clone()]
    }

    fn file(&self, kind: Kind, body: &[u8]) -> Vec<u8> {
        let request = self.device.signing_request().unwrap();
        let (key, certificate) = match kind {
            Kind::ToHub | Kind::JoinRequest => {
                (&self.device, self.authority.certify_device(&request, &"275".parse().unwrap()).unwrap())
            }
            Kind::ToDevice | Kind::JoinAnswer => (&self.hub, self.authority.certify_hub(&self.hub).unwrap()),
        };
        let header = Header {
            kind,
            site: "275".to_owned(),
            device: self.device.fingerprint().device().to_string(),
            created: "2026-11-23".to_owned(),
            epoch: Some(Epoch::new([1; 16])),
            token: Some(SessionToken::new([2; 16])),
            certificates: vec![certificate.to_vec().into(), self.authority.certificate().to_vec().into()],
        };
        seal(&header, body, key).unwrap()
    }
}

fn have(n: u8) -> Frame {
    let document = format!("site/275/visits/2026-{:02}", n % 12 + 1).parse().unwrap();
    Frame::Have(Have { document, versions: Vec::new(), held: None })
}

fn frames(count: u8) -> Frames {
    let mut frames = Frames::default();
    for n in 0..count {
        assert!(frames.push(&have(n)).unwrap());
    }
    frames
}

#[test]
fn what_was_sealed_reads_back() {
    let network = Network::new();
    let sealed = network.file(Kind::ToHub, frames(3).as_bytes());
    assert!(sealed.starts_with(b"msap-bundle\n\x01"), "the first bytes are pinned");
    let bundle = Bundle::parse(&sealed).unwrap();
    let (fingerprint, site) = bundle.signing_device(&network.authorities()).unwrap();
    assert_eq!((fingerprint, site.as_str()), (network.device.fingerprint(), "275"));
    let read: Vec<Frame> = Frames::read(bundle.body).unwrap().iter().collect();
    assert_eq!(read, [have(0), have(1), have(2)]);
}

#[test]
fn only_this_networks_device_or_hub_is_believed() {
    let (ours, theirs) = (Network::new(), Network::new());
    let (up, down) = (ours.file(Kind::ToHub, &[]), ours.file(Kind::ToDevice, &[]));
    let (up, down) = (Bundle::parse(&up).unwrap(), Bundle::parse(&down).unwrap());
    down.check_hub(&ours.authorities()).unwrap();
    down.check_named_hub(ours.authority.hash()).unwrap();
    // Another network's, a device that plays the hub, the hub that plays a device.
    assert!(matches!(up.signing_device(&theirs.authorities()), Err(BundleError::Stranger)));
    assert!(matches!(down.check_hub(&theirs.authorities()), Err(BundleError::Stranger)));
    assert!(matches!(down.check_named_hub(theirs.authority.hash()), Err(BundleError::Stranger)));
    assert!(matches!(up.check_hub(&ours.authorities()), Err(BundleError::Stranger)));
    assert!(matches!(down.signing_device(&ours.authorities()), Err(BundleError::Stranger)));
    // Right certificate, wrong key.
    let forged = seal(&up.header, &[], &theirs.device).unwrap();
    let forged = Bundle::parse(&forged).unwrap();
    assert!(matches!(forged.signing_device(&ours.authorities()), Err(BundleError::Damaged)));
}

#[test]
fn other_files_and_newer_ones_are_told_apart_from_damage() {
    let sealed = Network::new().file(Kind::ToHub, &[]);
    assert!(matches!(Bundle::parse(b""), Err(BundleError::NotABundle)));
    assert!(matches!(Bundle::parse(b"PK\x03\x04 an office document"), Err(BundleError::NotABundle)));
    let mut newer = sealed.clone();
    newer[MAGIC.len()] = 2;
    assert!(matches!(Bundle::parse(&newer), Err(BundleError::Newer(2))));
    assert!(matches!(Bundle::parse(&vec![0; LEN_MAX + 1]), Err(BundleError::TooLong)));
}

#[test]
fn a_file_holds_so_many_frames_and_no_more() {
    let mut full = Frames::default();
    for n in 0..FRAMES_MAX {
        assert!(full.push(&have(n as u8)).unwrap());
    }
    assert!(!full.push(&have(0)).unwrap());
    assert_eq!(Frames::read(full.as_bytes()).unwrap(), full);
    let mut beyond = full.as_bytes().to_vec();
    frame::encode(&have(0), &mut beyond).unwrap();
    assert!(matches!(Frames::read(&beyond), Err(BundleError::TooLong)));
}

#[test]
fn a_request_is_proved_by_the_code_it_was_made_with_and_by_all_of_itself() {
    let made = JoinRequest {
        signing_request: vec![1, 2, 3],
        label: "accueil".to_owned(),
        app: "0.1.0".to_owned(),
        site: None,
        previous: None,
        proof: [0; 32],
    };
    let proved = made.clone().prove(&[7; 32]);
    assert!(proved.is_proved(&[7; 32]) && !proved.is_proved(&[8; 32]) && !made.is_proved(&[7; 32]));
    for changed in [
        JoinRequest { signing_request: vec![1, 2, 4], ..proved.clone() },
        JoinRequest { label: "autre".to_owned(), ..proved.clone() },
        JoinRequest { site: Some("275".to_owned()), ..proved.clone() },
    ] {
        assert!(!changed.is_proved(&[7; 32]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_cut_or_changed_file_is_taken(at in any::<prop::sample::Index>(), by in 1..=255_u8, count in 0..9_u8) {
        let network = Network::new();
        let sealed = network.file(Kind::ToHub, frames(count).as_bytes());
        let taken = |bytes: &[u8]| Bundle::parse(bytes).and_then(|b| b.signing_device(&network.authorities())).is_ok();
        prop_assert!(taken(&sealed));
        let at = at.index(sealed.len());
        prop_assert!(!taken(&sealed[..at]));
        let mut changed = sealed.clone();
        changed[at] ^= by;
        prop_assert!(!taken(&changed));
        changed.truncate(at);
        changed.extend_from_slice(&sealed);
        // From its first byte on it is the whole file again.
        prop_assert!(at == 0 || !taken(&changed));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let whole = [MAGIC.as_slice(), &[VERSION], &bytes].concat();
        drop(Bundle::parse(&whole));
        drop(Frames::read(&bytes));
        drop(join::read::<JoinRequest>(&bytes));
    }
}
