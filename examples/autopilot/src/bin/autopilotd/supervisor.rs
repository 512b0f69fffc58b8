//! The daemon's life: one worker, started again when it ends, until a signal or a request ends it all.

use std::fs;
use std::process::ExitStatus;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{SigSet, Signal};

use crate::config::Config;
use crate::control::{self, Caller, Request};
use crate::worker::Worker;

/// How long a worker may take to stop before it is killed.
const PATIENCE: Duration = Duration::from_secs(5);

enum Event {
    Signal,
    Asked(Request, Caller),
    WorkerEnded(u32, ExitStatus),
}

/// Whether the daemon goes on after an event.
#[derive(PartialEq, Eq)]
enum Then {
    GoOn,
    End,
}

pub fn run(config: &Config, project: Option<&str>) -> Result<()> {
    eprintln!("Starting autopilotd...");
    let (sender, events) = channel();
    forward_signals(sender.clone())?;
    let asked = sender.clone();
    control::listen(&config.socket_path, move |request, caller| {
        // Nobody listens any more once the daemon is about to end.
        let _ = asked.send(Event::Asked(request, caller));
    })?;
    eprintln!("Control socket listening at {:?}", config.socket_path);
    fs::write(&config.pid_file, format!("{}\n", std::process::id()))
        .with_context(|| format!("cannot write {}", config.pid_file.display()))?;
    let mut supervisor =
        Supervisor { config, project, sender, events, worker: None, failures: 0, start_at: Some(Instant::now()) };
    let outcome = supervisor.supervise();
    supervisor.stop_worker();
    // Gone already is as good.
    let _ = fs::remove_file(&config.socket_path);
    let _ = fs::remove_file(&config.pid_file);
    outcome?;
    eprintln!("Daemon stopped");
    Ok(())
}

/// To be called before any other thread is started, since they inherit what is blocked here; the worker does not.
fn forward_signals(events: Sender<Event>) -> Result<()> {
    let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]);
    signals.thread_block().context("cannot block signals")?;
    thread::spawn(move || while signals.wait().is_ok() && events.send(Event::Signal).is_ok() {});
    Ok(())
}

struct Supervisor<'c> {
    config: &'c Config,
    project: Option<&'c str>,
    sender: Sender<Event>,
    events: Receiver<Event>,
    worker: Option<Worker>,
    /// How often in a row a worker ended early.
    failures: u32,
    /// When the next worker is started; `None` while there is one, and while none is wanted.
    start_at: Option<Instant>,
}

impl Supervisor<'_> {
    fn supervise(&mut self) -> Result<()> {
        loop {
            let then = match self.next(self.start_at) {
                None => self.start_worker()?,
                Some(Event::Signal) => Then::End,
                Some(Event::Asked(request, caller)) => self.obey(request, caller),
                Some(Event::WorkerEnded(number, status)) => self.bury(number, status)?,
            };
            if then == Then::End {
                return Ok(());
            }
        }
    }

    /// What happens next; `None` at `deadline`.
    fn next(&self, deadline: Option<Instant>) -> Option<Event> {
        match deadline {
            Some(deadline) => self.events.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok(),
            None => self.events.recv().ok(),
        }
    }

    fn start_worker(&mut self) -> Result<Then> {
        self.start_at = None;
        let ended = self.sender.clone();
        let worker = Worker::start(self.config, self.project, move |number, status| {
            let _ = ended.send(Event::WorkerEnded(number, status));
        })?;
        eprintln!("Worker started with PID {}", worker.number());
        self.worker = Some(worker);
        Ok(Then::GoOn)
    }

    fn obey(&mut self, request: Request, caller: Caller) -> Then {
        match request {
            Request::Status => caller.answer(&self.status()),
            Request::Stop => {
                caller.answer("autopilotd stops");
                return Then::End;
            }
            Request::RestartWorker => {
                self.stop_worker();
                self.failures = 0;
                self.start_at = Some(Instant::now());
                caller.answer("the worker is started again");
            }
            Request::StopWorker => {
                self.stop_worker();
                self.start_at = None;
                caller.answer("the worker is stopped");
            }
        }
        Then::GoOn
    }

    fn status(&self) -> String {
        match (&self.worker, self.start_at) {
            (Some(worker), _) => {
                let age_s = worker.started.elapsed().as_secs();
                format!(
                    "worker running, PID {}, since {age_s} s, failures in a row: {}",
                    worker.number(),
                    self.failures
                )
            }
            (None, Some(_)) => format!("worker ended and about to be started, failures in a row: {}", self.failures),
            (None, None) => "worker stopped".into(),
        }
    }

    /// A worker has ended by itself: another one is due, unless too many in a row did not live long.
    fn bury(&mut self, number: u32, status: ExitStatus) -> Result<Then> {
        let Some(worker) = self.worker.take_if(|worker| worker.number() == number) else { return Ok(Then::GoOn) };
        worker.kill();
        let restart = &self.config.restart;
        self.failures = if worker.started.elapsed() < restart.success_threshold() { self.failures + 1 } else { 1 };
        if self.failures > restart.max_consecutive_restarts {
            bail!(
                "the worker ended {} times in a row, the last time with {status}: see what it says above",
                self.failures
            );
        }
        let pause = restart.backoff(self.failures);
        eprintln!("Worker ended ({status}), starting it again in {} ms", pause.as_millis());
        self.start_at = Some(Instant::now() + pause);
        Ok(Then::GoOn)
    }

    /// Ends the worker if there is one, and all that it started.
    fn stop_worker(&mut self) {
        let Some(worker) = self.worker.take() else { return };
        worker.ask_to_stop();
        let deadline = Instant::now() + PATIENCE;
        let mut ended = false;
        while let Some(event) = if ended { None } else { self.next(Some(deadline)) } {
            match event {
                Event::WorkerEnded(number, _) => ended = number == worker.number(),
                Event::Asked(_, caller) => caller.answer("the worker is being stopped: ask again"),
                Event::Signal => {}
            }
        }
        worker.kill();
        if ended {
            eprintln!("Worker stopped gracefully");
        } else {
            eprintln!("Worker did not stop within {} s, and was killed", PATIENCE.as_secs());
        }
    }
}
