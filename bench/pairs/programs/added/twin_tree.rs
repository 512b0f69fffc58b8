#[inline(never)]
pub fn twin(bytes: &[u8]) -> u64 {
    let (mut low, mut high) = (1u32, 0u32);
    for &byte in bytes {
        low = (low + u32::from(byte)) % 65521;
        high = (high + low) % 65521;
    }
    u64::from(high) << 16 | u64::from(low)
}
