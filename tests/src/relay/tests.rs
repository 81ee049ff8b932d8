//! The relay on loopback: what passes, and what each gate does to it.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};

use super::*;

/// The longest wait for what takes no time.
const PATIENCE: Duration = Duration::from_secs(20);

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn received(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut bytes = [0; 2_048];
    let (len, from) = socket.recv_from(&mut bytes).unwrap();
    (bytes[..len].to_vec(), from)
}

/// A hub's and a machine's end of a connection over the relay, which has passed a byte each way.
fn connected(relay: &Relay, listener: &TcpListener) -> [TcpStream; 2] {
    let machine = TcpStream::connect(relay.address()).unwrap();
    let (hub, _) = listener.accept().unwrap();
    let mut ends = [machine, hub];
    for (from, to) in [(0, 1), (1, 0)] {
        ends[from].set_read_timeout(Some(PATIENCE)).unwrap();
        ends[from].write_all(b"x").unwrap();
        ends[to].read_exact(&mut [0]).unwrap();
    }
    ends
}

fn read_error(stream: &mut TcpStream) -> ErrorKind {
    stream.read(&mut [0]).unwrap_err().kind()
}

#[test]
fn datagrams_pass_both_ways_and_are_counted() {
    let hub = socket();
    let relay = Relay::start(hub.local_addr().unwrap()).unwrap();
    let machines = [socket(), socket()];
    for (n, machine) in (1..).zip(&machines) {
        machine.send_to(&[n; 10], relay.address()).unwrap();
        let (bytes, from) = received(&hub);
        assert_eq!(bytes, [n; 10]);
        hub.send_to(&[n; 20], from).unwrap();
        assert_eq!(received(machine), (vec![n; 20], relay.address()));
    }
    assert_eq!(relay.traffic(), Traffic { up: 2 * 38, down: 2 * 48 });
}

#[test]
fn silence_loses_datagrams_and_their_answers() {
    let hub = socket();
    let relay = Relay::start(hub.local_addr().unwrap()).unwrap();
    let machine = socket();
    machine.send_to(b"before", relay.address()).unwrap();
    let (_, from) = received(&hub);
    for gate in [Gate::Silent, Gate::Reset, Gate::HalfOpen] {
        let before = relay.traffic();
        relay.set(Transport::Quic, gate);
        machine.send_to(b"lost", relay.address()).unwrap();
        hub.send_to(b"lost", from).unwrap();
        // Counted is decided.
        while relay.traffic().since(before) != (Traffic { up: 32, down: 32 }) {
            std::thread::yield_now();
        }
    }
    relay.set(Transport::Quic, Gate::CLEAR);
    machine.send_to(b"after", relay.address()).unwrap();
    hub.send_to(b"after", from).unwrap();
    assert_eq!(received(&hub), (b"after".to_vec(), from));
    assert_eq!(received(&machine).0, b"after");
}

#[test]
fn weather_doubles_delays_and_reorders_datagrams() {
    let hub = socket();
    let relay = Relay::seeded(hub.local_addr().unwrap(), 7).unwrap();
    let weather =
        Weather { duplicate_percent: 100, reorder_percent: 50, delay: Duration::from_millis(20), ..Weather::CLEAR };
    relay.weather(weather);
    let machine = socket();
    for n in 0..20 {
        machine.send_to(&[n], relay.address()).unwrap();
    }
    let order: Vec<u8> = (0..40).map(|_| received(&hub).0[0]).collect();
    let mut sorted = order.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..20).flat_map(|n| [n, n]).collect::<Vec<_>>());
    assert_ne!(order, sorted);
}

#[test]
fn a_router_that_forgets_sends_from_a_new_port() {
    let hub = socket();
    let relay = Relay::start(hub.local_addr().unwrap()).unwrap();
    let machine = socket();
    machine.send_to(b"before", relay.address()).unwrap();
    let (_, before) = received(&hub);
    relay.rebind();
    machine.send_to(b"after", relay.address()).unwrap();
    let (_, after) = received(&hub);
    assert_ne!(before, after);
    hub.send_to(b"answer", after).unwrap();
    assert_eq!(received(&machine).0, b"answer");
}

#[test]
fn streams_pass_whole_whatever_the_weather() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let relay = Relay::seeded(listener.local_addr().unwrap(), 7).unwrap();
    for weather in [Weather::CLEAR, Weather { loss_percent: 5, rate: 2_000_000, ..Weather::CLEAR }] {
        let [mut machine, mut hub] = connected(&relay, &listener);
        relay.weather(weather);
        let sent: Vec<u8> = (0..20_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let writer = {
            let sent = sent.clone();
            std::thread::spawn(move || {
                machine.write_all(&sent).unwrap();
                machine.shutdown(std::net::Shutdown::Write).unwrap();
                machine
            })
        };
        let mut received = Vec::new();
        hub.read_to_end(&mut received).unwrap();
        assert!(received == sent);
        // The other direction is still open.
        let mut machine = writer.join().unwrap();
        hub.write_all(b"y").unwrap();
        machine.read_exact(&mut [0]).unwrap();
    }
}

#[test]
fn a_stalled_stream_goes_on_where_it_stopped() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let relay = Relay::start(listener.local_addr().unwrap()).unwrap();
    let [mut machine, mut hub] = connected(&relay, &listener);
    relay.set(Transport::Tcp, Gate::Silent);
    machine.write_all(b"one").unwrap();
    let mut late = TcpStream::connect(relay.address()).unwrap();
    late.write_all(b"two").unwrap();
    hub.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert_eq!(read_error(&mut hub), ErrorKind::WouldBlock);
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    relay.set(Transport::Tcp, Gate::CLEAR);
    hub.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut bytes = [0; 3];
    hub.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"one");
    listener.set_nonblocking(false).unwrap();
    let (mut hub, _) = listener.accept().unwrap();
    hub.set_read_timeout(Some(PATIENCE)).unwrap();
    hub.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"two");
}

#[test]
fn a_reset_is_told_to_both_sides_and_to_whoever_comes() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let relay = Relay::start(listener.local_addr().unwrap()).unwrap();
    let mut ends = connected(&relay, &listener);
    relay.set(Transport::Tcp, Gate::Reset);
    for end in &mut ends {
        assert_eq!(read_error(end), ErrorKind::ConnectionReset);
    }
    let mut late = TcpStream::connect(relay.address()).unwrap();
    late.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(read_error(&mut late), ErrorKind::ConnectionReset);
}

#[test]
fn a_half_open_connection_is_known_to_the_hub_only() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let relay = Relay::start(listener.local_addr().unwrap()).unwrap();
    let [mut machine, mut hub] = connected(&relay, &listener);
    relay.set(Transport::Tcp, Gate::HalfOpen);
    assert_eq!(read_error(&mut hub), ErrorKind::ConnectionReset);
    machine.write_all(b"anybody there?").unwrap();
    machine.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert_eq!(read_error(&mut machine), ErrorKind::WouldBlock);
    // The way is open again, and the machine is told.
    machine.set_read_timeout(Some(PATIENCE)).unwrap();
    relay.set(Transport::Tcp, Gate::CLEAR);
    assert_eq!(read_error(&mut machine), ErrorKind::ConnectionReset);
}

#[test]
fn a_hub_that_is_not_there_is_not_there_over_the_relay() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let relay = Relay::start(listener.local_addr().unwrap()).unwrap();
    drop(listener);
    let mut machine = TcpStream::connect(relay.address()).unwrap();
    machine.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(read_error(&mut machine), ErrorKind::ConnectionReset);
}
