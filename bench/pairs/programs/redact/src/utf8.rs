// How wide a text is on a terminal, which takes reading its letters.

#[inline(never)]
pub fn width(bytes: &[u8]) -> u64 {
    let mut cells = 0;
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if byte < 0x80 {
            cells += u64::from(byte >= 0x20);
            at += 1;
        } else if byte < 0xE0 {
            cells += 1;
            at += 2;
        } else if byte < 0xF0 {
            cells += wide(bytes, at);
            at += 3;
        } else {
            cells += 2;
            at += 4;
        }
    }
    cells
}

fn wide(bytes: &[u8], at: usize) -> u64 {
    let low = bytes.get(at + 1).map_or(0, |byte| u64::from(byte & 0x3F));
    let code = (u64::from(bytes[at] & 0x0F) << 6) | low;
    1 + u64::from((0x44..0x290).contains(&code))
}
