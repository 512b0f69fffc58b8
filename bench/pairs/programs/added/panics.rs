#[derive(Debug)]
pub enum Complaint {
    TooLong { length: usize, limit: usize },
    Empty,
    Other(String),
}

#[inline(never)]
fn read(size: usize) -> Result<Vec<u16>, Complaint> {
    match size {
        0 => Err(Complaint::Empty),
        1..9000 => Ok(vec![1; size]),
        9000..9999 => Err(Complaint::TooLong { length: size, limit: 8999 }),
        _ => Err(Complaint::Other(format!("cannot read as many as {size}"))),
    }
}

#[inline(never)]
pub fn answer(size: usize) -> u64 {
    let found = read(size).expect("something should have been read");
    assert!(found.len() == size, "read {} instead of {size}", found.len());
    let middle = found[size / 2];
    let odd = found.get(size / 3).copied().unwrap_or_else(|| panic!("nothing in the third of {size}"));
    u64::from(middle) / u64::from(odd - 1)
}
