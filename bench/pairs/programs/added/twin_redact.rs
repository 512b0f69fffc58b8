#[inline(never)]
pub fn twin(bytes: &[u8]) -> u32 {
    let mut sum = 0x811C_9DC5u32;
    for &byte in bytes {
        sum = (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    sum
}
