// What was seen, counted: levels, codes, users, words.
use std::collections::HashMap;

use kit::Unseeded;

#[derive(Default)]
pub struct Report {
    pub count: u64,
    pub broken: u64,
    pub width: u64,
    pub resets: u64,
    pub sum: u64,
    levels: [u64; 8],
    latest: Vec<(u32, u32)>,
    words: HashMap<String, u64, Unseeded>,
}

impl Report {
    pub fn note(&mut self, level: u64, code: u64, user: u32) {
        self.count += 1;
        self.levels[(level & 7) as usize] += 1;
        self.latest.push((code as u32, user));
    }

    #[inline(never)]
    pub fn note_words(&mut self, text: &str) {
        for word in text.split(' ') {
            if word.is_empty() || word.len() > 12 {
                continue;
            }
            self.note_word(word);
        }
    }

    #[inline(never)]
    fn note_word(&mut self, word: &str) {
        match self.words.get_mut(word) {
            Some(count) => *count += 1,
            None => {
                self.words.insert(word.to_owned(), 1);
            }
        }
    }

    #[inline(never)]
    pub fn finish_batch(&mut self, first: u64, round: usize) {
        sort(&mut self.latest);
        let middle = self.latest[self.latest.len() / 2];
        self.sum = kit::stir(self.sum, u64::from(middle.0) << 32 | u64::from(middle.1));
        self.sum = kit::stir(self.sum, first ^ round as u64);
        self.latest.clear();
    }

    pub fn total(&self) -> u64 {
        let words = self.words.values().fold(self.words.len() as u64, |sum, &count| sum ^ count.wrapping_mul(0x9E37));
        let levels = self.levels.iter().fold(0, |sum, &count| kit::stir(sum, count));
        self.sum ^ words ^ levels ^ self.width ^ (self.resets << 40) ^ (self.broken << 50)
    }
}

#[inline(never)]
fn sort(pairs: &mut [(u32, u32)]) {
    for end in 1..pairs.len() {
        let mut at = end;
        while at > 0 && pairs[at - 1] > pairs[at] {
            pairs.swap(at - 1, at);
            at -= 1;
        }
    }
}
