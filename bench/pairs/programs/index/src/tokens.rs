// Words out of text.

pub struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Tokens<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        Tokens { text, at: 0 }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a [u8];

    #[inline(never)]
    fn next(&mut self) -> Option<&'a [u8]> {
        while self.at < self.text.len() && !is_letter(self.text[self.at]) {
            self.at += 1;
        }
        let begin = self.at;
        while self.at < self.text.len() && is_letter(self.text[self.at]) {
            self.at += 1;
        }
        (begin < self.at).then(|| &self.text[begin..self.at])
    }
}

#[inline]
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[inline(never)]
pub fn lowered(token: &[u8]) -> String {
    let mut word = String::with_capacity(token.len());
    for &byte in token {
        word.push(byte.to_ascii_lowercase() as char);
    }
    word
}
