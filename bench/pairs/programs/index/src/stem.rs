// Words without their endings, after Porter's idea and much shorter.

const ENDINGS: [(&str, usize); 7] = [("ation", 3), ("ness", 3), ("ing", 3), ("ly", 3), ("ed", 3), ("er", 3), ("s", 3)];

#[inline(never)]
pub fn stem(word: &str) -> &str {
    for (ending, least) in ENDINGS {
        if let Some(rest) = word.strip_suffix(ending)
            && rest.len() >= least
            && measure(rest) > 0
        {
            return rest;
        }
    }
    word
}

#[inline(never)]
fn measure(word: &str) -> u32 {
    let mut count = 0;
    let mut was_vowel = false;
    for byte in word.bytes() {
        let vowel = matches!(byte, b'a' | b'e' | b'i' | b'o' | b'u');
        count += u32::from(was_vowel && !vowel);
        was_vowel = vowel;
    }
    count
}
