static NUMBERS: [u64; 3000] = numbers();
static mut ROOM: [u8; 70_000] = [0; 70_000];

const fn numbers() -> [u64; 3000] {
    let mut found = [0; 3000];
    let mut at = 0;
    while at < 3000 {
        found[at] = (at as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        at += 1;
    }
    found
}

#[inline(never)]
pub fn answer(size: usize) -> u64 {
    let room = &raw mut ROOM;
    // SAFETY: nothing else knows the room, and there is one thread.
    unsafe { (*room)[size % 70_000] = 1 };
    NUMBERS[size % 3000]
}
