use std::collections::{BTreeMap, BTreeSet};

#[inline(never)]
pub fn answer(size: usize) -> u64 {
    let mut tree: BTreeMap<[u8; 3], u64> = BTreeMap::new();
    let mut set: BTreeSet<u128> = BTreeSet::new();
    for turn in 0..size {
        tree.insert([turn as u8, (turn >> 8) as u8, 1], turn as u64);
        set.insert(turn as u128 * 7);
    }
    let mut all = [0i16; 100];
    for (place, key) in all.iter_mut().zip(tree.keys()) {
        *place = i16::from(key[0]) - i16::from(key[1]);
    }
    all.sort_unstable_by_key(|value| value.wrapping_mul(77));
    tree.len() as u64 ^ set.first().map_or(0, |&first| first as u64) ^ all[size % 100] as u64
}
