//! What becomes of each datagram and each piece of a stream on a bad line, and when it arrives.
//!
//! Asked by the relay for everything that it passes on. Without clock or socket: the time is an
//! argument and chance comes from a seed. Invariants: the n-th decision of a line depends on its
//! seed, on n, on the weather and on what came before, and on nothing else; streams lose nothing
//! and keep their order.

use std::time::Duration;

use crate::generator::Chance;

/// IPv4 and UDP headers of a datagram.
pub(super) const UDP_HEADERS: usize = 28;
/// IPv4 and TCP headers of a segment, with its timestamps.
const TCP_HEADERS: usize = 52;
/// How much later than the others a datagram arrives which is overtaken.
const OVERTAKEN_BY: Duration = Duration::from_millis(30);
/// How much is held for a slow line; what comes when it is full is lost, as in any router.
const HELD_MAX: Duration = Duration::from_secs(2);
/// After the round trip, the time until a sender's system sends a lost segment again.
const RESENT_AFTER: Duration = Duration::from_millis(200);
/// The longest that a segment is late for having been lost again and again.
const RESENT_WITHIN: Duration = Duration::from_secs(5);

/// One direction's condition. Percentages are of datagrams or segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// Lost.
    pub loss_percent: u32,
    /// Arriving twice.
    pub duplicate_percent: u32,
    /// Overtaken by what was sent after.
    pub reorder_percent: u32,
    /// Time from one end to the other.
    pub delay: Duration,
    /// Bits a second; 0 where nothing limits them.
    pub rate: u32,
    /// The largest packet that passes, headers included. Larger ones are lost without a word.
    pub mtu: usize,
}

impl Weather {
    /// Everything passes at once.
    pub const CLEAR: Self = Self {
        loss_percent: 0,
        duplicate_percent: 0,
        reorder_percent: 0,
        delay: Duration::ZERO,
        rate: 0,
        mtu: usize::MAX,
    };

    /// The worst that a line may be and still carry visits: two packets of five lost each way,
    /// 600 ms there and back, 32 kbit/s.
    pub const WORST: Self = Self { loss_percent: 40, delay: Duration::from_millis(300), rate: 32_000, ..Self::CLEAR };

    /// The `n`th weather of a seed, none worse than [`Weather::WORST`] in loss, delay or rate.
    pub fn drawn(seed: u64, n: u64) -> Self {
        let mut chance = Chance::new(seed.wrapping_add(n), "weather");
        let mut up_to = |most: u64| chance.draw() % (most + 1);
        let percent = |drawn: u64| u32::try_from(drawn).unwrap_or(0);
        Self {
            loss_percent: percent(up_to(40)),
            duplicate_percent: percent(up_to(30)),
            reorder_percent: percent(up_to(30)),
            delay: Duration::from_millis(up_to(300)),
            rate: 32_000 << up_to(6),
            mtu: if up_to(1) == 0 { 1_280 } else { usize::MAX },
        }
    }

    /// How long the line is busy with a packet.
    fn busy(&self, len: usize) -> Duration {
        match self.rate {
            0 => Duration::ZERO,
            rate => Duration::from_micros(len as u64 * 8 * 1_000_000 / u64::from(rate)),
        }
    }
}

/// One direction of a way, and what it is still busy with.
#[derive(Clone, Debug)]
pub struct Line {
    chance: Chance,
    free_at: Duration,
    last_at: Duration,
}

impl Line {
    /// The line of a seed, of its own for each `purpose`.
    pub fn new(seed: u64, purpose: &str) -> Self {
        Self { chance: Chance::new(seed, purpose), free_at: Duration::ZERO, last_at: Duration::ZERO }
    }

    /// When the copies arrive of a datagram with so many bytes of content that is sent `now`: none
    /// when it is lost.
    pub fn datagram(&mut self, weather: &Weather, now: Duration, len: usize) -> Vec<Duration> {
        // Always as many draws: the next datagram's fate must not hang on this one's weather.
        let [loss, duplicate, reorder] = [(); 3].map(|()| self.percent());
        let len = len + UDP_HEADERS;
        let begins = self.free_at.max(now);
        if len > weather.mtu || begins - now > HELD_MAX {
            return Vec::new();
        }
        // What is lost on the way has kept the line busy.
        self.free_at = begins + weather.busy(len);
        if loss < weather.loss_percent {
            return Vec::new();
        }
        let overtaken = if reorder < weather.reorder_percent { OVERTAKEN_BY } else { Duration::ZERO };
        let at = self.free_at + weather.delay + overtaken;
        if duplicate < weather.duplicate_percent { vec![at; 2] } else { vec![at] }
    }

    /// When a piece of a stream arrives that is sent `now`: after all before it, and late where its
    /// segments had to be sent again.
    pub fn segment(&mut self, weather: &Weather, now: Duration, len: usize) -> Duration {
        self.free_at = self.free_at.max(now) + weather.busy(len + TCP_HEADERS);
        let mut late = Duration::ZERO;
        let mut again = weather.delay * 2 + RESENT_AFTER;
        while self.percent() < weather.loss_percent && late < RESENT_WITHIN {
            late += again;
            again *= 2;
        }
        self.last_at = self.last_at.max(self.free_at + weather.delay + late.min(RESENT_WITHIN));
        self.last_at
    }

    /// One of 0 to 99.
    fn percent(&mut self) -> u32 {
        u32::try_from(self.chance.draw() % 100).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// What becomes of 10,000 datagrams, one each second.
    fn fates(seed: u64, weather: &Weather) -> Vec<Vec<Duration>> {
        let mut line = Line::new(seed, "up");
        let late = |second: u32, arrivals: Vec<Duration>| arrivals.iter().map(|at| *at - SECOND * second).collect();
        (0..10_000).map(|second| late(second, line.datagram(weather, SECOND * second, 1_200))).collect()
    }

    fn share(fates: &[Vec<Duration>], of: impl Fn(&[Duration]) -> bool) -> usize {
        fates.iter().filter(|fate| of(fate)).count() * 100 / fates.len()
    }

    #[test]
    fn a_seed_has_one_fate_for_each_datagram() {
        let weather = Weather::drawn(1, 0);
        assert_eq!(fates(7, &weather), fates(7, &weather));
        assert_ne!(fates(7, &Weather::WORST), fates(8, &Weather::WORST));
        let purposes = ["up", "down"].map(|purpose| Line::new(7, purpose).percent());
        assert_ne!(purposes[0], purposes[1]);
    }

    #[test]
    fn one_datagrams_weather_does_not_change_the_next_ones_fate() {
        let mut lines = [Line::new(7, "up"), Line::new(7, "up")];
        lines[0].datagram(&Weather::CLEAR, SECOND, 100);
        lines[1].datagram(&Weather { mtu: 0, ..Weather::CLEAR }, SECOND, 100);
        let lossy = Weather { loss_percent: 40, ..Weather::CLEAR };
        for second in 2..1_000 {
            let [one, other] = &mut lines;
            let now = SECOND * second;
            assert_eq!(one.datagram(&lossy, now, 100), other.datagram(&lossy, now, 100));
        }
    }

    #[test]
    fn clear_weather_passes_everything_at_once() {
        assert!(fates(7, &Weather::CLEAR).iter().all(|fate| *fate == [Duration::ZERO]));
        assert_eq!(Line::new(7, "up").segment(&Weather::CLEAR, SECOND, 9_000), SECOND);
    }

    #[test]
    fn each_impairment_strikes_as_often_as_it_says() {
        for percent in [0, 10, 40, 100] {
            let lossy = fates(7, &Weather { loss_percent: percent, ..Weather::CLEAR });
            assert!(share(&lossy, <[_]>::is_empty).abs_diff(percent as usize) <= 1);
            let twice = fates(7, &Weather { duplicate_percent: percent, ..Weather::CLEAR });
            assert!(share(&twice, |fate| fate.len() == 2).abs_diff(percent as usize) <= 1);
            let overtaken = fates(7, &Weather { reorder_percent: percent, ..Weather::CLEAR });
            assert!(share(&overtaken, |fate| fate == [OVERTAKEN_BY]).abs_diff(percent as usize) <= 1);
        }
    }

    #[test]
    fn packets_larger_than_the_link_are_lost() {
        let narrow = Weather { mtu: 1_280, ..Weather::CLEAR };
        let mut line = Line::new(7, "up");
        assert_eq!(line.datagram(&narrow, SECOND, 1_252).len(), 1);
        assert_eq!(line.datagram(&narrow, SECOND, 1_253).len(), 0);
    }

    #[test]
    fn a_slow_line_sends_one_after_the_other_and_holds_so_much() {
        // 1,000 bytes with their headers, at 8,000 bits a second.
        let slow = Weather { rate: 8_000, delay: SECOND, ..Weather::CLEAR };
        let mut line = Line::new(7, "up");
        let arrivals: Vec<_> = (0..4).map(|_| line.datagram(&slow, SECOND, 1_000 - UDP_HEADERS)).collect();
        assert_eq!(arrivals, [vec![SECOND * 3], vec![SECOND * 4], vec![SECOND * 5], vec![]]);
        // A stream waits instead.
        let mut line = Line::new(7, "up");
        let arrivals: Vec<_> = (0..5).map(|_| line.segment(&slow, SECOND, 1_000 - TCP_HEADERS)).collect();
        assert_eq!(arrivals, [3, 4, 5, 6, 7].map(|second| SECOND * second));
    }

    #[test]
    fn streams_keep_their_order_and_are_late_where_segments_were_lost() {
        let lossy = Weather { loss_percent: 40, delay: Duration::from_millis(300), ..Weather::CLEAR };
        let mut line = Line::new(7, "up");
        let mut late = 0;
        let mut before = Duration::ZERO;
        for second in 1..1_000 {
            let at = line.segment(&lossy, SECOND * second * 10, 100);
            assert!(at >= before && at <= SECOND * second * 10 + lossy.delay + RESENT_WITHIN);
            late += usize::from(at > SECOND * second * 10 + lossy.delay);
            before = at;
        }
        assert!((350..450).contains(&late), "{late}");
    }

    #[test]
    fn no_weather_that_is_drawn_is_worse_than_the_worst() {
        for n in 0..1_000 {
            let Weather { loss_percent, delay, rate, mtu, .. } = Weather::drawn(7, n);
            let worst = Weather::WORST;
            assert!(loss_percent <= worst.loss_percent && delay <= worst.delay && rate >= worst.rate && mtu >= 1_280);
        }
        assert_eq!(Weather::drawn(7, 3), Weather::drawn(7, 3));
        assert_ne!(Weather::drawn(7, 3), Weather::drawn(7, 4));
    }
}
