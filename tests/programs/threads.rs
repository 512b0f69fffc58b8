//! Deterministic work, handed about by threads: how often they wait for one another is nobody's doing.
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, RwLock, mpsc};

#[inline(never)]
fn mixed(mut n: u64, turns: u64) -> u64 {
    for turn in 0..turns {
        n = n.rotate_left(7).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ turn;
    }
    n
}

#[inline(never)]
fn counted(text: &str) -> usize {
    text.bytes().filter(|byte| byte.is_ascii_digit()).count()
}

fn main() {
    let turns: u64 = std::env::args().nth(1).map_or(2000, |n| n.parse().unwrap());
    let queue = Arc::new((Mutex::new(VecDeque::new()), Condvar::new()));
    let done = Arc::new(AtomicUsize::new(0));
    let table = Arc::new(RwLock::new(vec![0u64; 16]));
    let (send, receive) = mpsc::channel::<u64>();
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let (queue, done, table, send) = (queue.clone(), done.clone(), table.clone(), send.clone());
            std::thread::spawn(move || {
                loop {
                    let job: Option<u64> = {
                        let mut waiting = queue.0.lock().unwrap();
                        while waiting.is_empty() {
                            waiting = queue.1.wait(waiting).unwrap();
                        }
                        waiting.pop_front().unwrap()
                    };
                    let Some(job) = job else { break };
                    let found = mixed(job, turns);
                    let digits = counted(&format!("{found} {job}"));
                    table.write().unwrap()[(found % 16) as usize] += digits as u64;
                    send.send(found).unwrap();
                    done.fetch_add(1, Ordering::AcqRel);
                }
            })
        })
        .collect();
    drop(send);
    for job in 0..400u64 {
        queue.0.lock().unwrap().push_back(Some(job));
        queue.1.notify_one();
    }
    while done.load(Ordering::Acquire) < 200 {
        std::hint::spin_loop();
    }
    for _ in 0..4 {
        queue.0.lock().unwrap().push_back(None);
        queue.1.notify_all();
    }
    for worker in workers {
        worker.join().unwrap();
    }
    let sum = receive.iter().fold(0u64, |sum, n| sum ^ n);
    println!("{sum:x} {}", table.read().unwrap().iter().sum::<u64>());
}
