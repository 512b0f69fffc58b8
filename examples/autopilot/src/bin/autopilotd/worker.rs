//! The worker: how it is started, and how it and all that it started is ended.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::config::{Config, WorkerCommand};

/// A started worker, the leader of a process group of its own.
pub struct Worker {
    group: Pid,
    pub started: Instant,
}

impl Worker {
    /// Starts it; `tell` gets its number and its status when it has ended.
    pub fn start(
        config: &Config,
        project: Option<&str>,
        tell: impl FnOnce(u32, ExitStatus) + Send + 'static,
    ) -> Result<Self> {
        let (path, arguments) = command_line(config, project);
        let mut child = Command::new(&path)
            .args(arguments)
            .current_dir(&config.working_dir)
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| {
                format!("cannot start the worker {} in {}", path.display(), config.working_dir.display())
            })?;
        let number = child.id();
        thread::spawn(move || {
            if let Ok(status) = child.wait() {
                tell(number, status);
            }
        });
        Ok(Worker { group: Pid::from_raw(number as i32), started: Instant::now() })
    }

    pub fn number(&self) -> u32 {
        self.group.as_raw() as u32
    }

    pub fn ask_to_stop(&self) {
        self.send(Signal::SIGTERM);
    }

    /// Ends whatever of it is left: an agent must not outlive its worker.
    pub fn kill(&self) {
        self.send(Signal::SIGKILL);
    }

    fn send(&self, signal: Signal) {
        // A group without members is what we want.
        let _ = killpg(self.group, signal);
    }
}

fn command_line(config: &Config, project: Option<&str>) -> (PathBuf, Vec<String>) {
    let WorkerCommand::Binary { path } = &config.worker_command;
    let mut arguments =
        ["run", "--full-auto", "--with-issues", "--model", &config.model, "--max-turns"].map(String::from).to_vec();
    arguments.push(config.max_turns.to_string());
    if config.max_budget > 0.0 {
        arguments.extend(["--max-budget".into(), config.max_budget.to_string()]);
    }
    if let Some(project) = project {
        arguments.extend(["--slug".into(), project.to_owned()]);
    }
    (path.clone(), arguments)
}
