//! The ladder as tables: attempts in, the next one out.

use super::*;

const NOW: i64 = 1_800_000_000;

fn network(text: &str) -> Network {
    Network::of(text.parse().unwrap())
}

fn attempt(transport: Transport, why: CloseReason, heard_s: Option<u64>) -> Attempt {
    Attempt { transport, why, heard: heard_s.map(Duration::from_secs) }
}

fn auto() -> Ladder {
    Ladder::new(Preference::Auto, Networks::default())
}

/// What is tried after each of these ends, in one network, a second apart.
fn tried(ladder: &mut Ladder, ends: &[(CloseReason, Option<u64>)]) -> Vec<Transport> {
    let home = Some(network("192.168.1.17"));
    let mut tried = vec![ladder.next(home, NOW).transport];
    for (second, (why, heard)) in (1..).zip(ends) {
        let transport = tried[tried.len() - 1];
        ladder.ended(&attempt(transport, *why, *heard), NOW + second);
        tried.push(ladder.next(home, NOW + second).transport);
    }
    tried
}

/// How an attempt ended, and for how many seconds the hub was heard.
type Ending = (CloseReason, Option<u64>);

#[test]
fn quic_fails_twice_before_tcp_and_only_where_the_path_may_be_at_fault() {
    use CloseReason::{Lost, Ours, Rejected, Silent, Theirs, Unresolved, Untrusted};
    use Transport::{Quic, Tcp};
    let table: [(&[Ending], &[Transport]); 9] = [
        (&[(Silent, None), (Lost, None)], &[Quic, Quic, Tcp]),
        // TCP does not pass either: from the beginning.
        (&[(Silent, None), (Silent, None), (Silent, None), (Silent, None)], &[Quic, Quic, Tcp, Quic, Quic]),
        (&[(Silent, None), (Silent, None), (Untrusted, None)], &[Quic, Quic, Tcp, Quic]),
        // It was heard over TCP: whatever happens, TCP comes next.
        (
            &[(Silent, None), (Silent, None), (Lost, Some(3)), (Theirs(CloseCode::Busy), None)],
            &[Quic, Quic, Tcp, Tcp, Tcp],
        ),
        // A session that died in the middle is the first failure.
        (&[(Silent, Some(90)), (Silent, None)], &[Quic, Quic, Tcp]),
        // One that dies again and again as soon as it stands is as good as none.
        (&[(Silent, Some(5)), (Silent, Some(5))], &[Quic, Quic, Tcp]),
        // A hub that restarts again and again is no reason, nor is one that says no.
        (&[(Lost, Some(90)), (Lost, Some(90)), (Lost, Some(90))], &[Quic, Quic, Quic, Quic]),
        (&[(Untrusted, None), (Rejected, None), (Unresolved, None), (Ours(CloseCode::Timeout), None)], &[Quic; 5]),
        (
            &[(Silent, None), (Theirs(CloseCode::Busy), None), (Silent, None), (Theirs(CloseCode::Revoked), Some(1))],
            &[Quic; 5],
        ),
    ];
    for (ends, expected) in table {
        assert_eq!(tried(&mut auto(), ends), expected, "{ends:?}");
    }
}

#[test]
fn what_worked_is_remembered_for_each_network_and_after_a_restart() {
    let mut ladder = auto();
    tried(&mut ladder, &[(CloseReason::Silent, None), (CloseReason::Silent, None), (CloseReason::Lost, Some(1))]);
    let kept = ladder.networks().to_string();
    assert_eq!(kept, format!("192.168.1.0/24 {}\n", NOW + 3));
    let mut again = Ladder::new(Preference::Auto, Networks::from(kept.as_str()));
    let over = |ladder: &mut Ladder, address: &str| ladder.next(Some(network(address)), NOW + 60).transport;
    assert_eq!(over(&mut again, "192.168.1.200"), Transport::Tcp);
    assert_eq!(over(&mut again, "192.168.2.200"), Transport::Quic);
    assert_eq!(again.next(None, NOW + 60).transport, Transport::Quic);
}

#[test]
fn quic_is_tried_again_later_once_and_in_haste() {
    let home = Some(network("2001:db8::1:2"));
    let mut ladder = Ladder::new(Preference::Auto, Networks::from("2001:db8::/64 1800000000"));
    let tcp = Rung { transport: Transport::Tcp, limit: CONNECT_MAX };
    let quic = Rung { transport: Transport::Quic, limit: CONNECT_HASTY };
    assert_eq!(ladder.next(home, NOW + QUIC_AGAIN_S - 1), tcp);
    assert_eq!(ladder.next(home, NOW + QUIC_AGAIN_S), quic);
    ladder.ended(&attempt(Transport::Quic, CloseReason::Silent, None), NOW + QUIC_AGAIN_S);
    assert_eq!(ladder.next(home, NOW + QUIC_AGAIN_S), tcp);
    assert_eq!(ladder.next(home, NOW + 2 * QUIC_AGAIN_S), quic);
    // It passes again: TCP is forgotten.
    ladder.ended(&attempt(Transport::Quic, CloseReason::Theirs(CloseCode::Normal), Some(1)), NOW + 2 * QUIC_AGAIN_S);
    assert_eq!(ladder.networks().to_string(), "");
    // A clock that was set back.
    let mut ladder = Ladder::new(Preference::Auto, Networks::from("2001:db8::/64 1800000000"));
    assert_eq!(ladder.next(home, NOW - 1), quic);
}

#[test]
fn a_session_that_falls_silent_is_followed_in_haste() {
    let mut ladder = auto();
    let home = Some(network("10.0.0.1"));
    assert_eq!(ladder.next(home, NOW).limit, CONNECT_MAX);
    ladder.ended(&attempt(Transport::Quic, CloseReason::Silent, Some(600)), NOW);
    assert_eq!(ladder.next(home, NOW), Rung { transport: Transport::Quic, limit: CONNECT_HASTY });
    // Another network is another matter.
    assert_eq!(ladder.next(Some(network("10.0.1.1")), NOW).limit, CONNECT_MAX);
}

#[test]
fn a_forced_transport_stays() {
    for only in [Transport::Quic, Transport::Tcp] {
        let mut ladder = Ladder::new(Preference::Only(only), Networks::default());
        let ends = [(CloseReason::Silent, None); 5];
        assert_eq!(tried(&mut ladder, &ends), [only; 6]);
        assert_eq!(ladder.networks(), &Networks::default());
    }
}

#[test]
fn the_memory_is_bounded_and_reads_what_it_can() {
    let mut networks = Networks::default();
    for n in 0..=NETWORKS_MAX as u8 {
        networks.note(network(&format!("10.0.{n}.1")), i64::from(n));
    }
    assert_eq!(networks.0.len(), NETWORKS_MAX);
    assert!(!networks.0.contains_key(&network("10.0.0.1")));
    assert_eq!(Networks::from(networks.to_string().as_str()), networks);
    let damaged = "10.0.0.0/24 x\n\n10.0.0.0\nnowhere/24 7\n10.0.0.77/24 7\n";
    assert_eq!(Networks::from(damaged).to_string(), "10.0.0.0/24 7\n");
}

#[test]
fn udp_that_is_cut_in_mid_session_is_over_in_half_a_minute() {
    // Noticed at the latest, then QUIC once more at once, then TCP at once, which has its time.
    let noticed = msap_shared::io::quic::KEEP_ALIVE + msap_shared::io::quic::IDLE_MAX;
    assert!(noticed + CONNECT_HASTY + Duration::from_secs(4) <= Duration::from_secs(30));
}
