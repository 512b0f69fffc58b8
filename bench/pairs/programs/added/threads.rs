use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

static SUM: AtomicU64 = AtomicU64::new(0);

#[inline(never)]
pub fn answer(size: usize) -> u64 {
    let own = size as u64;
    let worker = thread::spawn(move || {
        for turn in 0..own {
            SUM.fetch_add(turn ^ own, Relaxed);
            thread::yield_now();
        }
    });
    thread::park();
    drop(worker);
    SUM.load(Relaxed)
}
