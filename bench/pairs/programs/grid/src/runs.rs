// Equal bytes in a row, as their number and the byte.

#[inline(never)]
pub fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(64);
    let mut at = 0;
    while at < bytes.len() {
        let length = length(&bytes[at..]);
        packed.push(length as u8);
        packed.push(bytes[at]);
        at += length;
    }
    packed
}

#[inline(never)]
fn length(bytes: &[u8]) -> usize {
    let first = bytes[0];
    let mut count = 1;
    while count < 255 && count < bytes.len() && bytes[count] == first {
        count += 1;
    }
    count
}

#[inline(never)]
pub fn unpack(packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(packed.len() * 2);
    for pair in packed.chunks_exact(2) {
        for _ in 0..pair[0] {
            bytes.push(pair[1]);
        }
    }
    bytes
}
