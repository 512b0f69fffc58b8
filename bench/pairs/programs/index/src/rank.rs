// The best documents first.
use crate::postings::{Index, unpack};
use crate::stem;

#[inline(never)]
pub fn best(index: &Index, words: &[String], documents: &[u32]) -> Vec<(u32, u32)> {
    let mut scores = [0u32; 64];
    for word in words {
        if let Some(postings) = index.find(stem::stem(word)) {
            let weight = weight(postings.count);
            for place in unpack(postings) {
                scores[(place >> 8 & 63) as usize] += weight + (0xFF - (place & 0xFF)) / 16;
            }
        }
    }
    let mut ranked: Vec<(u32, u32)> =
        documents.iter().map(|&document| (normed(scores[(document & 63) as usize], index.lengths[document as usize]), document)).collect();
    order(&mut ranked);
    ranked.truncate(10);
    ranked
}

fn weight(count: u32) -> u32 {
    let mut weight = 64;
    let mut rest = count;
    while rest > 1 {
        rest /= 2;
        weight -= 4;
    }
    weight
}

fn normed(score: u32, length: u32) -> u32 {
    score * 1024 / (length + 64)
}

#[inline(never)]
fn order(ranked: &mut [(u32, u32)]) {
    for begin in 0..ranked.len().min(10) {
        let mut most = begin;
        for at in begin + 1..ranked.len() {
            if ranked[at].0 > ranked[most].0 {
                most = at;
            }
        }
        ranked.swap(begin, most);
    }
}
