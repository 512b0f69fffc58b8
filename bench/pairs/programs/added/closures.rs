#[inline(never)]
fn apply(many: &[Box<dyn Fn(u64) -> u64>], value: u64) -> u64 {
    many.iter().fold(value, |sum, one| one(sum))
}

#[inline(never)]
pub fn answer(size: usize) -> u64 {
    let add = size as u64;
    let turn = (size % 60) as u32;
    let many: Vec<Box<dyn Fn(u64) -> u64>> = vec![
        Box::new(move |value| value + add),
        Box::new(move |value| value.rotate_left(turn)),
        Box::new(|value| value.wrapping_mul(0x9E37_79B1)),
        Box::new(move |value| if value > add { value - add } else { value ^ 5 }),
    ];
    apply(&many, 1)
}
