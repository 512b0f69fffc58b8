//! The log of a session: text, one line a step, written at once so that it can be followed, and without secrets.

use std::io::Write;

use anyhow::Result;
use chrono::{DateTime, Utc};

use crate::redact::{Hits, redact_command, redact_secrets};
use crate::replay::step_line;
use crate::text::{head, one_line};
use crate::trajectory::{Step, StepKind, Trajectory};

/// A line shows this much of a step.
const SHOWN_CHARACTERS: usize = 1000;
/// This much is looked at, so that a secret at the end of what is shown is seen whole.
const REDACTED_BYTES: usize = 4 * SHOWN_CHARACTERS;

pub struct RunLog<W> {
    out: W,
    hits: Hits,
}

impl<W: Write> RunLog<W> {
    pub fn begin(mut out: W, trajectory: &Trajectory) -> Result<Self> {
        let mut hits = Hits::new();
        let prompt = clean(&trajectory.prompt, &mut hits);
        let (stamp, folder) = (trajectory.started_at.format("%Y-%m-%d %H:%M:%S UTC"), &trajectory.cwd);
        let text = format!(
            "{stamp} in {folder} at {}\n{} PROMPT {prompt}\n",
            trajectory.repo_sha,
            clock(trajectory.started_at)
        );
        out.write_all(text.as_bytes())?;
        Ok(RunLog { out, hits })
    }

    /// Writes the line of `step`, and gives it back without its end.
    pub fn step(&mut self, step: &Step) -> Result<String> {
        let (label, text) = describe(step);
        let mut line = format!("{} {label} {}\n", clock(step.timestamp), clean(&text, &mut self.hits));
        self.out.write_all(line.as_bytes())?;
        line.pop();
        Ok(line)
    }

    /// Ends the log, with the sentence `how`.
    pub fn end(mut self, how: &str, now: DateTime<Utc>) -> Result<()> {
        let mut text = format!("{} END {}\n", clock(now), clean(how, &mut self.hits));
        for (kind, count) in self.hits {
            text.push_str(&format!("redacted: {kind}, {count} times\n"));
        }
        self.out.write_all(text.as_bytes())?;
        Ok(())
    }
}

fn clock(time: DateTime<Utc>) -> impl std::fmt::Display {
    time.format("%H:%M:%S%.3f")
}

fn clean(text: &str, hits: &mut Hits) -> String {
    one_line(&redact_secrets(head(text, REDACTED_BYTES), hits), SHOWN_CHARACTERS)
}

/// As `replay` says it, but a call of a shell with its command line.
fn describe(step: &Step) -> (&'static str, String) {
    if let StepKind::ToolCall { tool, input, .. } = &step.kind {
        if let Some(command) = input.get("command").and_then(|value| value.as_str()) {
            return ("CALL", format!("{tool} {}", redact_command(command)));
        }
    }
    step_line(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(step: &str) -> String {
        let mut log = RunLog { out: Vec::new(), hits: Hits::new() };
        let step = format!(r#"{{"step_id": 2, "timestamp": "2026-03-01T10:20:30.5Z", {step}}}"#);
        log.step(&serde_json::from_str(&step).unwrap()).unwrap();
        String::from_utf8(log.out).unwrap()
    }

    #[test]
    fn a_step_is_one_line_without_secrets() {
        let token = format!("ghp_{}", "a1B2".repeat(9));
        assert_eq!(
            logged(&format!(r#""type": "assistant", "content": "use\n{token}\nnow""#)),
            "10:20:30.500 ASSISTANT use [redacted github_token] now\n"
        );
    }

    #[test]
    fn a_command_is_shown_without_its_credentials() {
        assert_eq!(
            logged(
                r#""type": "tool_call", "tool": "Bash", "tool_id": "t", "input": {"command": "curl --token abc x"}"#
            ),
            "10:20:30.500 CALL Bash curl --token *** x\n"
        );
    }

    #[test]
    fn a_secret_on_the_edge_of_what_is_shown_is_not_shown_in_part() {
        let text = format!("{} ghp_{}", "x".repeat(SHOWN_CHARACTERS - 12), "a1B2".repeat(9));
        assert!(!logged(&format!(r#""type": "assistant", "content": "{text}""#)).contains("a1B2"));
    }
}
