#[inline(never)]
pub fn twin(mut value: u64) -> u64 {
    while value > 0x7FFF_FFFF {
        value = (value & 0x7FFF_FFFF) + (value >> 31);
    }
    value
}
