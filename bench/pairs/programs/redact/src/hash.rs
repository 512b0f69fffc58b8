// Two hashes: a thorough one of whole batches, a short one of names.

const ROUNDS: [u32; 8] = [
    0x428A_2F98, 0x7137_4491, 0xB5C0_FBCF, 0xE9B5_DBA5, 0x3956_C25B, 0x59F1_11F1, 0x923F_82A4, 0xAB1C_5ED5,
];

#[inline(never)]
pub fn digest(bytes: &[u8]) -> u64 {
    let mut state = [0x6A09_E667u32, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A];
    for block in bytes.chunks(16) {
        let mut words = [0u32; 4];
        for (index, &byte) in block.iter().enumerate() {
            words[index / 4] = (words[index / 4] << 8) | u32::from(byte);
        }
        compress(&mut state, &words);
    }
    (u64::from(state[0] ^ state[2]) << 32) | u64::from(state[1] ^ state[3])
}

#[inline(never)]
fn compress(state: &mut [u32; 4], words: &[u32; 4]) {
    let [mut a, mut b, mut c, mut d] = *state;
    for (round, constant) in ROUNDS.iter().enumerate() {
        let choice = (a & b) ^ (!a & c);
        let turned = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let next = d.wrapping_add(choice).wrapping_add(turned).wrapping_add(*constant).wrapping_add(words[round & 3]);
        d = c;
        c = b;
        b = a.rotate_left(7);
        a = next;
    }
    state[0] = state[0].wrapping_add(a);
    state[1] = state[1].wrapping_add(b);
    state[2] = state[2].wrapping_add(c);
    state[3] = state[3].wrapping_add(d);
}

#[inline(never)]
pub fn short(bytes: &[u8]) -> u32 {
    let mut sum = 0x811C_9DC5u32;
    for &byte in bytes {
        sum = (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    sum
}
