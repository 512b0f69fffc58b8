//! What the daemon is told: a TOML file in which every key is needed, or the defaults.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub working_dir: PathBuf,
    pub socket_path: PathBuf,
    pub pid_file: PathBuf,
    pub model: String,
    /// US dollars for a session; 0 is no limit.
    pub max_budget: f64,
    pub max_turns: u32,
    pub worker_command: WorkerCommand,
    #[expect(dead_code, reason = "this daemon leaves the machine's memory alone")]
    memory: Memory,
    pub restart: Restart,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum WorkerCommand {
    Binary { path: PathBuf },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "asked for, so that a file for autopilot's own daemon can be used as it is")]
struct Memory {
    min_available_bytes: u64,
    critical_threshold_bytes: u64,
    poll_interval_ms: u64,
    node_kill_threshold_bytes: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restart {
    initial_backoff_ms: u64,
    max_backoff_ms: u64,
    backoff_multiplier: f64,
    success_threshold_ms: u64,
    pub max_consecutive_restarts: u32,
    #[expect(dead_code, reason = "this daemon does not look at what its worker does")]
    stall_timeout_ms: u64,
}

impl Restart {
    /// How long to wait before the worker is started again after it ended `failures` times in a row.
    pub fn backoff(&self, failures: u32) -> Duration {
        let factor = self.backoff_multiplier.max(1.0).powi(failures.saturating_sub(1).min(1000) as i32);
        let wanted_ms = self.initial_backoff_ms as f64 * factor;
        Duration::from_millis(wanted_ms.min(self.max_backoff_ms as f64) as u64)
    }

    /// A worker that lived this long does not count as one that failed.
    pub fn success_threshold(&self) -> Duration {
        Duration::from_millis(self.success_threshold_ms)
    }
}

impl Config {
    pub fn load(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Self::without_file() };
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is no configuration", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        Ok(toml::from_str(text)?)
    }

    fn without_file() -> Result<Self> {
        let home = env::var_os("HOME").map(PathBuf::from).context("HOME is not set: set it, or name a --config")?;
        let files = home.join(".autopilot");
        let own = env::current_exe().context("cannot find the autopilot beside this program: name a --config")?;
        Ok(Config {
            working_dir: env::current_dir()?,
            socket_path: files.join("autopilotd.sock"),
            pid_file: files.join("autopilotd.pid"),
            model: "sonnet".into(),
            max_budget: 0.0,
            max_turns: 9999,
            worker_command: WorkerCommand::Binary { path: own.with_file_name("autopilot") },
            memory: Memory {
                min_available_bytes: 0,
                critical_threshold_bytes: 0,
                poll_interval_ms: 0,
                node_kill_threshold_bytes: 0,
            },
            restart: Restart {
                initial_backoff_ms: 1_000,
                max_backoff_ms: 300_000,
                backoff_multiplier: 2.0,
                success_threshold_ms: 300_000,
                max_consecutive_restarts: 10,
                stall_timeout_ms: 0,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        working_dir = "/srv/work"
        socket_path = "/run/a.sock"
        pid_file = "/run/a.pid"
        model = "opus"
        max_budget = 5
        max_turns = 40

        [worker_command]
        type = "Binary"
        path = "/opt/autopilot"

        [memory]
        min_available_bytes = 1
        critical_threshold_bytes = 2
        poll_interval_ms = 3
        node_kill_threshold_bytes = 4

        [restart]
        initial_backoff_ms = 100
        max_backoff_ms = 350
        backoff_multiplier = 2.0
        success_threshold_ms = 60000
        max_consecutive_restarts = 5
        stall_timeout_ms = 6
    "#;

    #[test]
    fn a_whole_file_is_read() {
        let config = Config::parse(FILE).unwrap();
        assert_eq!((config.max_budget, config.max_turns, config.model.as_str()), (5.0, 40, "opus"));
        let WorkerCommand::Binary { path } = config.worker_command;
        assert_eq!(path, Path::new("/opt/autopilot"));
    }

    #[test]
    fn a_missing_key_and_another_kind_of_worker_are_errors() {
        let missing = Config::parse(&FILE.replace("model =", "# model =")).unwrap_err().to_string();
        assert!(missing.contains("missing field `model`"), "{missing}");
        let other = Config::parse(&FILE.replace("\"Binary\"", "\"Cargo\"")).unwrap_err().to_string();
        assert!(other.contains("unknown variant `Cargo`, expected `Binary`"), "{other}");
    }

    #[test]
    fn the_backoff_grows_to_its_limit() {
        let restart = Config::parse(FILE).unwrap().restart;
        let waits: Vec<_> = (1..5).map(|failures| restart.backoff(failures).as_millis()).collect();
        assert_eq!(waits, [100, 200, 350, 350]);
        assert_eq!(restart.backoff(u32::MAX).as_millis(), 350);
    }
}
