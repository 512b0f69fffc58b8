// Which documents hold the words of a question.
use crate::postings::{Index, unpack};
use crate::stem;

pub fn answer(index: &Index, words: &[String]) -> Vec<u32> {
    let mut lists: Vec<Vec<u32>> = Vec::new();
    for word in words {
        if let Some(postings) = index.find(stem::stem(word)) {
            lists.push(documents(&unpack(postings)));
        }
    }
    lists.sort_by_key(Vec::len);
    let mut found = Vec::new();
    for list in &lists {
        found = united(&found, list);
    }
    found
}

#[inline(never)]
fn documents(places: &[u32]) -> Vec<u32> {
    let mut found: Vec<u32> = Vec::with_capacity(8);
    for &place in places {
        let document = place >> 8;
        if found.last() != Some(&document) {
            found.push(document);
        }
    }
    found
}

#[inline(never)]
fn united(left: &[u32], right: &[u32]) -> Vec<u32> {
    let mut both = Vec::with_capacity(left.len() + right.len());
    let (mut i, mut j) = (0, 0);
    while i < left.len() && j < right.len() {
        let (a, b) = (left[i], right[j]);
        both.push(a.min(b));
        i += usize::from(a <= b);
        j += usize::from(b <= a);
    }
    both.extend_from_slice(&left[i..]);
    both.extend_from_slice(&right[j..]);
    both
}
