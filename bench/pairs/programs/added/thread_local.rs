use std::cell::{Cell, RefCell};

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(3) };
    static NAMES: RefCell<Vec<String>> = RefCell::new(vec![String::from("first")]);
    static ROOM: Cell<[u64; 40]> = const { Cell::new([0; 40]) };
}

#[inline(never)]
pub fn answer(size: usize) -> u64 {
    COUNT.with(|count| count.set(count.get() + size as u64));
    NAMES.with_borrow_mut(|names| names.push(size.to_string()));
    ROOM.set([size as u64; 40]);
    COUNT.get() + NAMES.with_borrow(|names| names.len() as u64) + ROOM.get()[3]
}
