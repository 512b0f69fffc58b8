// A table larger than the caches close to a processor, read here and there.

const FAR: u32 = (1 << 22) - 1;
const NEAR: u32 = (1 << 11) - 1;

pub struct Table {
    cells: Vec<u32>,
}

impl Table {
    pub fn new() -> Self {
        let mut cells = vec![1; FAR as usize + 1];
        for (at, cell) in cells.iter_mut().enumerate().take(NEAR as usize + 1) {
            *cell = (at as u32).wrapping_mul(0x9E37_79B9) >> 7;
        }
        Table { cells }
    }

    #[inline(never)]
    pub fn walk(&self, seed: u32) -> u64 {
        let mut sum = 0u64;
        let mut key = seed.wrapping_mul(0x85EB_CA6B) | 1;
        for turn in 0..6000u32 {
            key = key.wrapping_mul(0x9E37_79B1).wrapping_add(0x7F4A_7C15);
            let mask = if turn & 1023 < 5 { FAR } else { NEAR };
            sum = sum.rotate_left(5) ^ u64::from(self.cells[(key >> 9 & mask) as usize]);
        }
        sum
    }
}
