// Horspool's search for a word in a text.

#[inline(never)]
pub fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    if word.is_empty() || text.len() < word.len() {
        return None;
    }
    let last = word.len() - 1;
    let skips = skips(word);
    let mut at = 0;
    while at + last < text.len() {
        let end = text[at + last];
        if end == word[last] && text[at..at + last] == word[..last] {
            return Some(at);
        }
        at += usize::from(skips[usize::from(end)]);
    }
    None
}

#[inline(never)]
fn skips(word: &[u8]) -> [u8; 256] {
    let last = word.len() - 1;
    let mut table = [word.len().min(255) as u8; 256];
    for (index, &byte) in word[..last].iter().enumerate() {
        table[usize::from(byte)] = (last - index).min(255) as u8;
    }
    table
}
