use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

#[inline(never)]
pub fn answer(size: usize) -> u64 {
    let (sender, receiver) = channel();
    let sum = Arc::new(Mutex::new(0u64));
    let workers: Vec<_> = (0..4)
        .map(|number| {
            let (sender, sum) = (sender.clone(), Arc::clone(&sum));
            thread::spawn(move || {
                *sum.lock().unwrap() += number;
                sender.send(number * size as u64).unwrap();
            })
        })
        .collect();
    drop(sender);
    for worker in workers {
        worker.join().unwrap();
    }
    receiver.iter().sum::<u64>() + *sum.lock().unwrap()
}
