#[inline(never)]
pub fn twin(word: &str) -> u32 {
    let mut count = 0;
    let mut was_vowel = false;
    for byte in word.bytes() {
        let vowel = matches!(byte, b'a' | b'e' | b'i' | b'o' | b'u');
        count += u32::from(was_vowel && !vowel);
        was_vowel = vowel;
    }
    count
}
