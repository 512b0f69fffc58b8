// What the programs share: dice that always fall the same, a hasher without a seed, and sums.
use std::hash::{BuildHasher, Hasher};

pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    #[inline]
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    #[inline]
    pub fn below(&mut self, limit: u64) -> u64 {
        ((self.next() >> 32) * limit) >> 32
    }
}

#[derive(Clone, Copy, Default)]
pub struct Unseeded;

pub struct Fnv(u64);

impl Hasher for Fnv {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
}

impl BuildHasher for Unseeded {
    type Hasher = Fnv;
    fn build_hasher(&self) -> Fnv {
        Fnv(0xCBF2_9CE4_8422_2325)
    }
}

#[inline]
pub fn stir(sum: u64, value: u64) -> u64 {
    (sum ^ value).wrapping_mul(0xFF51_AFD7_ED55_8CCD).rotate_left(29)
}
