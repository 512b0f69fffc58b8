//! The agent: finding it, starting it, and its two pipes.
//!
//! Each pipe has a thread of its own and nothing is shared between the two, so neither side can wait for a lock that the
//! other one holds: it does not matter who speaks first, or that nobody reads for a while.

use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::cli::RunOptions;
use crate::run::message::Message;
use crate::text::one_line;

const READ_BYTES: usize = 64 * 1024;

/// Folders below HOME where agents install themselves without being on PATH.
const HOME_FOLDERS: [&str; 2] = [".claude/local", ".local/bin"];

/// Which of the agents that a run starts, from 1. Signals come from number 0.
pub type AgentNumber = u32;

/// What can happen while a session goes on.
pub enum Event {
    Said(Message),
    /// A line that is no message: why, and how it begins.
    NotUnderstood(String),
    /// The agent will say nothing more.
    Closed,
    /// We got this signal.
    Signal(i32),
}

/// What is started, where, with which arguments.
pub struct Launch {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    pub cwd: PathBuf,
}

impl Launch {
    pub fn of(options: &RunOptions, home: &Path) -> Result<Self> {
        let cwd = &options.cwd;
        let cwd = cwd.canonicalize().with_context(|| format!("cannot work in {}", cwd.display()))?;
        let program = find(options.agent.executable(), env::var_os("PATH"), home)?;
        let mut arguments: Vec<String> =
            ["--output-format", "stream-json", "--input-format", "stream-json", "--verbose"].map(String::from).into();
        arguments.extend(["--permission-prompt-tool", "stdio", "--model", &options.model].map(String::from));
        arguments.extend(["--dangerously-skip-permissions", "--max-turns"].map(String::from));
        arguments.push(options.max_turns.to_string());
        if let Some(budget) = options.max_budget {
            arguments.extend(["--max-budget-usd".into(), budget.to_string()]);
        }
        arguments.extend(["--setting-sources", "project,user"].map(String::from));
        Ok(Launch { program, arguments, cwd })
    }
}

/// The executable called `name`: on the search path, else where it installs itself.
fn find(name: &str, path: Option<OsString>, home: &Path) -> Result<PathBuf> {
    let on_path: Vec<PathBuf> = path.iter().flat_map(env::split_paths).collect();
    let at_home = HOME_FOLDERS.map(|folder| home.join(folder));
    match on_path.iter().chain(&at_home).map(|folder| folder.join(name)).find(|file| is_executable(file)) {
        Some(file) => Ok(file),
        None => bail!(
            "no agent: there is no executable \"{name}\" on PATH, in ~/{} or in ~/{}. Install it, or choose another with --agent",
            HOME_FOLDERS[0],
            HOME_FOLDERS[1]
        ),
    }
}

fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// A running agent. Dropped, it is killed.
pub struct Agent {
    child: Child,
    lines: Option<Sender<String>>,
}

impl Agent {
    /// Starts it; what it says arrives as `events` under its `number`. What it writes on standard error is for the user, as it is.
    pub fn start(launch: &Launch, number: AgentNumber, events: Sender<(AgentNumber, Event)>) -> Result<Self> {
        let mut child = Command::new(&launch.program)
            .args(&launch.arguments)
            .current_dir(&launch.cwd)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start the agent {}", launch.program.display()))?;
        let (lines, waiting) = channel();
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let stdin = stdin.context("the agent has no standard input")?;
        let stdout = stdout.context("the agent has no standard output")?;
        thread::spawn(move || write_lines(stdin, &waiting));
        thread::spawn(move || read_lines(stdout, |event| events.send((number, event)).is_ok()));
        Ok(Agent { child, lines: Some(lines) })
    }

    /// Sends `line`, now or as soon as the agent reads. An agent that is gone shows as `Event::Closed`.
    pub fn say(&self, line: String) {
        if let Some(lines) = &self.lines {
            // The writing thread ends only when the agent does.
            let _ = lines.send(line);
        }
    }

    /// Says that nothing more will come, which ends an agent that has answered.
    pub fn hang_up(&mut self) {
        self.lines = None;
    }

    /// Waits for the end of an agent that has closed its output; one that does not end within `patience` is killed.
    pub fn wait(mut self, patience: Duration) -> Result<ExitStatus> {
        self.hang_up();
        let deadline = Instant::now() + patience;
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                self.child.kill()?;
                return Ok(self.child.wait()?);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // One that has ended already is what we want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write_lines(mut stdin: impl Write, waiting: &Receiver<String>) {
    for line in waiting {
        if stdin.write_all(line.as_bytes()).and_then(|()| stdin.flush()).is_err() {
            return;
        }
    }
}

/// Reads until the end, or until nobody wants to hear more.
fn read_lines(stdout: impl Read, tell: impl Fn(Event) -> bool) {
    let mut reader = BufReader::with_capacity(READ_BYTES, stdout);
    let mut line = Vec::new();
    // A pipe that cannot be read any more is as good as closed.
    while reader.read_until(b'\n', &mut line).unwrap_or(0) > 0 {
        let heard = understand(&line).is_none_or(&tell);
        line.clear();
        if !heard {
            return;
        }
    }
    tell(Event::Closed);
}

fn understand(line: &[u8]) -> Option<Event> {
    let Ok(text) = std::str::from_utf8(line) else {
        return Some(Event::NotUnderstood("it is not UTF-8".into()));
    };
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    Some(match serde_json::from_str(text) {
        Ok(message) => Event::Said(message),
        Err(error) => Event::NotUnderstood(format!("{error}: {}", one_line(text, 80))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_looked_for_on_the_path_and_then_at_home() {
        let home = env::temp_dir().join(format!("autopilot-find-{}", std::process::id()));
        let local = home.join(".claude/local");
        std::fs::create_dir_all(&local).unwrap();
        std::fs::write(local.join("claude"), "").unwrap();
        let missing = find("claude", Some("/nowhere".into()), &home).unwrap_err();
        assert_eq!(
            missing.to_string(),
            "no agent: there is no executable \"claude\" on PATH, in ~/.claude/local or in ~/.local/bin. \
             Install it, or choose another with --agent"
        );
        std::fs::set_permissions(local.join("claude"), std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(find("claude", None, &home).unwrap(), local.join("claude"));
        assert_eq!(find("sh", Some("/nowhere:/bin".into()), &home).unwrap(), Path::new("/bin/sh"));
        std::fs::remove_dir_all(home).unwrap();
    }

    #[test]
    fn lines_are_messages_or_are_told_of() {
        assert!(matches!(understand(b"{\"type\":\"system\",\"subtype\":\"init\"}\n"), Some(Event::Said(_))));
        assert!(understand(b"\n").is_none());
        assert!(matches!(understand(b"\xff\n"), Some(Event::NotUnderstood(_))));
        let Some(Event::NotUnderstood(why)) = understand(b"{\"type\":\"stream_event\"}\n") else {
            panic!("understood")
        };
        assert!(why.starts_with("unknown variant `stream_event`"), "{why}");
        assert!(why.ends_with(": {\"type\":\"stream_event\"}"), "{why}");
    }
}
