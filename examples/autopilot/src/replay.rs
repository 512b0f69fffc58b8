//! Prints a session, one line a step, as a log may show it.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use crate::cli::ReplayMode;
use crate::redact::{Hits, redact_secrets};
use crate::text::{head, one_line};
use crate::trajectory::{Step, StepKind, Trajectory};

const WIDTH: usize = 100;

pub fn run(path: &Path, mode: ReplayMode) -> Result<()> {
    let trajectory = Trajectory::load(path)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut hits = Hits::new();
    print_head(&mut out, &trajectory)?;
    if mode == ReplayMode::List {
        for step in &trajectory.steps {
            let (label, text) = step_line(step);
            let shown = redact_secrets(head(&text, 4 * WIDTH), &mut hits);
            writeln!(out, "[{}] {label} {}", step.step_id, one_line(&shown, WIDTH))?;
        }
    }
    print_summary(&mut out, &trajectory)?;
    for (kind, count) in hits {
        writeln!(out, "  Redacted: {kind}, {count} times")?;
    }
    out.flush()?;
    Ok(())
}

fn print_head(out: &mut impl Write, trajectory: &Trajectory) -> Result<()> {
    writeln!(out, "Session: {}", trajectory.session_id)?;
    writeln!(out, "Model:   {}", trajectory.model)?;
    writeln!(out, "Prompt:  {}", one_line(&trajectory.prompt, WIDTH))?;
    writeln!(out, "Folder:  {}", trajectory.cwd)?;
    writeln!(out, "Commit:  {}", trajectory.repo_sha)?;
    if let Some(branch) = &trajectory.branch {
        writeln!(out, "Branch:  {branch}")?;
    }
    writeln!(out, "Started: {}", trajectory.started_at.format("%Y-%m-%d %H:%M:%S UTC"))?;
    Ok(())
}

/// A label for the kind of step, and what there is to say about it.
pub fn step_line(step: &Step) -> (&'static str, String) {
    match &step.kind {
        StepKind::User { content } => ("USER", content.clone()),
        StepKind::Assistant { content } => ("ASSISTANT", content.clone()),
        StepKind::Thinking { content, .. } => ("THINKING", content.clone()),
        StepKind::ToolCall { tool, input, .. } => ("CALL", format!("{tool} {}", subject_of(input))),
        StepKind::ToolResult { success, output, .. } => {
            let label = if *success { "OK" } else { "FAILED" };
            (label, output.clone().unwrap_or_default())
        }
        StepKind::SystemInit { model } => ("INIT", model.clone()),
        StepKind::SystemStatus { status } => ("STATUS", status.clone()),
    }
}

/// What a call is about: its description, file or pattern, else all of its input.
fn subject_of(input: &Value) -> String {
    for key in ["description", "file_path", "pattern", "path"] {
        if let Some(text) = input.get(key).and_then(Value::as_str) {
            return text.to_owned();
        }
    }
    input.to_string()
}

fn print_summary(out: &mut impl Write, trajectory: &Trajectory) -> Result<()> {
    let usage = &trajectory.usage;
    writeln!(out, "Summary")?;
    writeln!(out, "  Tokens:   {} in, {} out", usage.input_tokens, usage.output_tokens)?;
    writeln!(out, "  Cached:   {} read, {} written", usage.cache_read_tokens, usage.cache_creation_tokens)?;
    writeln!(out, "  Cost:     ${:.4}", usage.cost_usd)?;
    writeln!(out, "  Steps:    {}", trajectory.steps.len())?;
    if let Some(result) = &trajectory.result {
        writeln!(out, "  Duration: {} ms in {} turns", result.duration_ms, result.num_turns)?;
        writeln!(out, "  Success:  {}", if result.success { "yes" } else { "no" })?;
        if let Some(completed) = result.issues_completed {
            writeln!(out, "  Issues:   {completed} completed")?;
        }
        for error in &result.errors {
            writeln!(out, "  Error:    {}", one_line(error, WIDTH))?;
        }
        if let Some(text) = &result.result_text {
            writeln!(out, "  Result:   {}", one_line(text, WIDTH))?;
        }
    }
    Ok(())
}
