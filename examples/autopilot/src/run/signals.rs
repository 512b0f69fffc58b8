//! Signals as events, so that a session that is stopped is recorded like any other.

use std::sync::mpsc::Sender;
use std::thread;

use anyhow::{Context, Result};
use nix::sys::signal::{SigSet, Signal};

use crate::run::agent::{AgentNumber, Event};

/// Sends SIGINT and SIGTERM as events from now on. To be called before any other thread is started, since they inherit what
/// is blocked here; programs that we start do not.
pub fn forward(events: Sender<(AgentNumber, Event)>) -> Result<()> {
    let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]);
    signals.thread_block().context("cannot block signals")?;
    thread::spawn(move || {
        while let Ok(signal) = signals.wait() {
            if events.send((0, Event::Signal(signal as i32))).is_err() {
                return;
            }
        }
    });
    Ok(())
}
