//! Chance that is the same on every machine and with every version of every library.

/// A sequence of pseudo-random numbers (SplitMix64).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The sequence of a seed, of its own for each `purpose`.
    pub fn new(seed: u64, purpose: &str) -> Self {
        // FNV-1a: a purpose is a short text, and nobody attacks it.
        let mixed = purpose.bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed.rotate_left(17), |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(mixed ^ seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform from 0 up to and without 1.
    pub fn unit(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform between two numbers.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// One of `0..bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.unit() * bound as f64) as usize
    }

    /// From the standard normal distribution (Box–Muller).
    pub fn normal(&mut self) -> f64 {
        let (radius, angle) = (1.0 - self.unit(), self.unit());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }

    /// One of several by their shares, which need not add up to 1.
    ///
    /// # Panics
    /// When there are none.
    pub fn pick<'a, T>(&mut self, shares: &'a [(T, f64)]) -> &'a T {
        let sum: f64 = shares.iter().map(|(_, share)| share).sum();
        let mut left = self.unit() * sum;
        for (value, share) in shares {
            left -= share;
            if left < 0.0 {
                return value;
            }
        }
        let (last, _) = shares.last().expect("a list to pick from is not empty");
        last
    }

    /// 16 bytes: the identity of a tap.
    pub fn bytes(&mut self) -> [u8; 16] {
        ((u128::from(self.draw()) << 64) | u128::from(self.draw())).to_be_bytes()
    }
}
