// Square matrices of whole numbers modulo a prime.
use kit::Dice;

pub const SIDE: usize = 24;
const PRIME: u64 = 0x7FFF_FFFF;

pub type Matrix = Vec<u64>;

pub fn filled(dice: &mut Dice) -> Matrix {
    (0..SIDE * SIDE).map(|_| dice.next() % PRIME).collect()
}

#[inline(never)]
pub fn product(left: &Matrix, right: &Matrix) -> Matrix {
    let mut found = vec![0; SIDE * SIDE];
    for row in 0..SIDE {
        for column in 0..SIDE {
            let mut sum = 0u64;
            for at in 0..SIDE {
                sum += left[row * SIDE + at] * right[at * SIDE + column] >> 8;
            }
            found[row * SIDE + column] = reduced(sum);
        }
    }
    found
}

#[inline(never)]
fn reduced(mut value: u64) -> u64 {
    while value > PRIME {
        value = (value & PRIME) + (value >> 31);
    }
    value
}

pub fn trace(matrix: &Matrix) -> u64 {
    (0..SIDE).fold(0, |sum, at| kit::stir(sum, matrix[at * SIDE + at]))
}
