// Sorting and choosing.

#[inline(never)]
pub fn by_radix(keys: &mut Vec<u32>) {
    let mut other = vec![0; keys.len()];
    for shift in [0, 8, 16, 24] {
        pass(keys, &mut other, shift);
        std::mem::swap(keys, &mut other);
    }
}

#[inline(never)]
fn pass(from: &[u32], to: &mut [u32], shift: u32) {
    let mut counts = [0u32; 256];
    for &key in from {
        counts[(key >> shift & 0xFF) as usize] += 1;
    }
    let mut place = 0;
    for count in &mut counts {
        let next = place + *count;
        *count = place;
        place = next;
    }
    for &key in from {
        let slot = &mut counts[(key >> shift & 0xFF) as usize];
        to[*slot as usize] = key;
        *slot += 1;
    }
}

#[inline(never)]
pub fn median(keys: &mut [u32]) -> u32 {
    keys.reverse();
    let middle = keys.len() / 2;
    let mut begin = 0;
    let mut end = keys.len();
    while end - begin > 1 {
        let cut = split(&mut keys[begin..end]) + begin;
        if middle < cut { end = cut } else { begin = cut }
    }
    keys[middle]
}

#[inline(never)]
fn split(keys: &mut [u32]) -> usize {
    let pivot = keys[keys.len() / 2];
    let (mut low, mut high) = (0, keys.len() - 1);
    loop {
        while keys[low] < pivot {
            low += 1;
        }
        while keys[high] > pivot {
            high -= 1;
        }
        if low >= high {
            return low.max(1);
        }
        keys.swap(low, high);
        low += 1;
        high -= 1;
    }
}
