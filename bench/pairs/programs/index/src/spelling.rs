// How far words are from each other, in letters changed.

#[inline(never)]
pub fn nearest(word: &str, others: &[String]) -> u32 {
    let mut room = [0u32; 32];
    others.iter().map(|other| distance(word.as_bytes(), other.as_bytes(), &mut room)).min().unwrap_or(0)
}

#[inline(never)]
fn distance(left: &[u8], right: &[u8], row: &mut [u32; 32]) -> u32 {
    let width = right.len().min(31);
    for (at, cell) in row.iter_mut().enumerate().take(width + 1) {
        *cell = at as u32;
    }
    for (index, &letter) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = index as u32 + 1;
        for at in 0..width {
            let changed = diagonal + u32::from(letter != right[at]);
            diagonal = row[at + 1];
            row[at + 1] = changed.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[width]
}
