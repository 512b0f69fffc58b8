use crate::table::Table;

/// Names of files, of the same shape as what a panic says of its own place but for the last word.
#[used]
pub static KNOWN: [(&str, u64); 2] = [("first.rs", 1), ("second.rs", 2)];

#[inline(never)]
pub fn sum(table: &Table, above: usize) -> u64 {
    (above..table.len()).map(|at| table.get(at)).sum::<u64>() + 1_000
}

#[inline(never)]
pub fn at(values: &[u64], index: usize) -> u64 {
    values[index] / (values.len() as u64 - index as u64)
}
