// Where each word stands, packed: differences of documents and positions as numbers of variable length.
use std::collections::HashMap;

use kit::Unseeded;

#[derive(Default)]
pub struct Postings {
    pub packed: Vec<u8>,
    pub count: u32,
    latest: u32,
}

#[derive(Default)]
pub struct Index {
    words: HashMap<String, Postings, Unseeded>,
    pub lengths: Vec<u32>,
}

impl Index {
    #[inline(never)]
    pub fn add(&mut self, word: &str, document: u32, position: u32) {
        while self.lengths.len() <= document as usize {
            self.lengths.push(0);
        }
        self.lengths[document as usize] += 1;
        let postings = match self.words.get_mut(word) {
            Some(postings) => postings,
            None => self.words.entry(word.to_owned()).or_default(),
        };
        let place = document * 256 + position;
        push_number(&mut postings.packed, place - postings.latest);
        postings.latest = place;
        postings.count += 1;
    }

    #[inline(never)]
    pub fn find(&self, word: &str) -> Option<&Postings> {
        self.words.get(word)
    }

    pub fn bytes(&self) -> usize {
        self.words.values().map(|postings| postings.packed.len()).sum()
    }
}

#[inline(never)]
fn push_number(packed: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        packed.push(number as u8 | 0x80);
        number >>= 7;
    }
    packed.push(number as u8);
}

#[inline(never)]
pub fn unpack(postings: &Postings) -> Vec<u32> {
    let mut places = Vec::with_capacity(postings.count as usize);
    let mut place = 0;
    let mut number = 0;
    let mut shift = 0;
    for &byte in &postings.packed {
        number |= u32::from(byte & 0x7F) << shift;
        shift += 7;
        if byte < 0x80 {
            place += number;
            places.push(place);
            number = 0;
            shift = 0;
        }
    }
    places
}
