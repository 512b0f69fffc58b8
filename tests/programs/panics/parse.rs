pub fn pair(line: &str) -> (usize, u64) {
    let (key, value) = line.split_once(':').unwrap();
    (key.parse().unwrap(), number(value))
}

#[inline(never)]
pub fn number(text: &str) -> u64 {
    text.bytes().map(|byte| u64::from(byte.checked_sub(b'0').expect("a digit"))).fold(0, |sum, digit| sum * 10 + digit)
}
