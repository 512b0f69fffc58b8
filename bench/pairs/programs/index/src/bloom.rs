// Which words were seen at all: a filter of bits.

const FAR: u64 = (1 << 26) - 1;
const NEAR: u64 = (1 << 15) - 1;

pub struct Filter {
    bits: Vec<u64>,
}

impl Filter {
    pub fn new() -> Self {
        Filter { bits: vec![1; (FAR as usize + 1) / 64] }
    }

    #[inline(never)]
    pub fn add(&mut self, word: &str) {
        let (mut first, second) = two_hashes(word.as_bytes());
        for _ in 0..12 {
            let mask = if first >> 13 & 1023 < 5 { FAR } else { NEAR };
            let bit = first >> 20 & mask;
            self.bits[(bit >> 6) as usize] |= 1 << (bit & 63);
            first = first.wrapping_add(second);
        }
    }

    pub fn ones(&self) -> u64 {
        self.bits[..512].iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

#[inline(never)]
fn two_hashes(bytes: &[u8]) -> (u64, u64) {
    let mut first = 0x9E37_79B9u64;
    let mut second = 0x85EB_CA6Bu64;
    for &byte in bytes {
        first = (first ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        second = (second.rotate_left(5) ^ u64::from(byte)).wrapping_mul(0xC2B2_AE35);
    }
    (first ^ (first >> 29), second | 1)
}
