use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

#[inline(never)]
pub fn answer(size: usize) -> u64 {
    let mut tree: BTreeMap<[u8; 3], String> = BTreeMap::new();
    let mut set: BTreeSet<u128> = BTreeSet::new();
    let mut heap: BinaryHeap<(i16, u64)> = BinaryHeap::new();
    let mut map: HashMap<u16, Vec<i128>> = HashMap::new();
    for turn in 0..size {
        tree.insert([turn as u8, (turn >> 8) as u8, 1], format!("{turn:>9}"));
        set.insert(turn as u128 * 7);
        heap.push((turn as i16, turn as u64));
        map.entry(turn as u16).or_default().push(turn as i128);
    }
    let mut all: Vec<(u8, i128)> = map.into_values().flatten().map(|value| (value as u8, value)).collect();
    all.sort();
    tree.len() as u64 ^ set.first().map_or(0, |&first| first as u64) ^ heap.pop().map_or(0, |top| top.1) ^ all.len() as u64
}
