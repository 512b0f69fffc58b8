// Two checksums.

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { 0xEDB8_8320 ^ (value >> 1) } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

#[inline(never)]
pub fn crc(bytes: &[u8]) -> u64 {
    let mut sum = !0u32;
    for &byte in bytes {
        sum = TABLE[((sum ^ u32::from(byte)) & 0xFF) as usize] ^ (sum >> 8);
    }
    u64::from(!sum)
}

#[inline(never)]
pub fn adler(bytes: &[u8]) -> u64 {
    let (mut low, mut high) = (1u32, 0u32);
    for &byte in bytes {
        low += u32::from(byte);
        high += low;
        low -= if low >= 65521 { 65521 } else { 0 };
        high %= 65521;
    }
    u64::from(high) << 16 | u64::from(low)
}
