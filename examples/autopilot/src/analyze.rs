//! What a session did: how long, how dear, how often wrong, and whether it showed secrets.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use serde::Serialize;

use crate::aggregate::Aggregate;
use crate::redact::{Hits, redact_command, redact_secrets};
use crate::text::{head, one_line};
use crate::trajectory::{Step, StepKind, Trajectory};

/// A log shows this much of a text, so this much is checked for secrets.
const SHOWN_BYTES: usize = 480;

#[derive(Serialize)]
pub struct Report {
    pub session_id: String,
    pub model: String,
    pub prompt_preview: String,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub performance: Performance,
    pub cost: Cost,
    pub errors: Errors,
    pub quality: Quality,
    pub tool_usage: ToolUsage,
    pub exposure: Exposure,
}

#[derive(Serialize)]
pub struct Performance {
    pub total_duration_ms: u64,
    pub tool_latency_stats: Latency,
    pub parallel_tool_batches: u32,
    pub total_tool_calls: u32,
}

#[derive(Default, Serialize)]
pub struct Latency {
    pub min_ms: i64,
    pub max_ms: i64,
    pub mean_ms: f64,
    pub p50_ms: i64,
    pub p95_ms: i64,
    pub count: usize,
}

#[derive(Serialize)]
pub struct Cost {
    pub total_cost_usd: f64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cache_read_tokens: u64,
    pub cache_hit_rate: f64,
    pub largest_context_tokens: u64,
    pub tokens_by_step_type: IndexMap<&'static str, u64>,
}

#[derive(Default, Serialize)]
pub struct Errors {
    pub success: bool,
    pub failed_tool_calls: u32,
    pub tool_error_rate: f64,
    pub errors_by_tool: IndexMap<String, u32>,
    pub first_error_by_tool: IndexMap<String, String>,
}

#[derive(Default, Serialize)]
pub struct Quality {
    pub num_turns: u32,
    pub thinking_blocks: u32,
    pub avg_thinking_length: f64,
    pub tool_diversity: f64,
    pub unique_tools: usize,
}

#[derive(Default, Serialize)]
pub struct ToolUsage {
    pub calls_by_tool: IndexMap<String, u32>,
    pub files_touched: IndexMap<String, u32>,
    pub longest_command: Option<String>,
}

#[derive(Default, Serialize)]
pub struct Exposure {
    pub checked_texts: u32,
    pub secrets: Hits,
}

impl Exposure {
    fn check(&mut self, text: &str) -> String {
        self.checked_texts += 1;
        redact_secrets(head(text, SHOWN_BYTES), &mut self.secrets).into_owned()
    }
}

pub fn run(path: &Path, aggregate: bool, json: bool) -> Result<()> {
    let files = if path.is_dir() { trajectory_files(path)? } else { vec![path.to_path_buf()] };
    if files.is_empty() {
        println!("No trajectory files found in {}", path.display());
        return Ok(());
    }
    let mut reports = Vec::with_capacity(files.len());
    for file in &files {
        reports.push(analyze_trajectory(&Trajectory::load(file)?));
    }
    if aggregate || path.is_dir() { Aggregate::of(&reports).print(json) } else { print_report(&reports[0], json) }
}

/// The JSON files directly in the folder, by name: the order of a directory is nobody's promise.
fn trajectory_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

pub fn analyze_trajectory(trajectory: &Trajectory) -> Report {
    let mut exposure = Exposure::default();
    let prompt_preview = one_line(&exposure.check(&trajectory.prompt), 80);
    let mut usage = ToolUsage::default();
    let mut quality = Quality::default();
    let mut tokens: IndexMap<&'static str, u64> = IndexMap::new();
    let mut thinking_bytes = 0;
    let mut largest_context = 0;
    for step in &trajectory.steps {
        *tokens.entry(step.kind.name()).or_insert(0) += step.tokens_out.unwrap_or(0);
        largest_context = largest_context.max(step.tokens_in.unwrap_or(0) + step.tokens_cached.unwrap_or(0));
        match &step.kind {
            StepKind::User { content } | StepKind::Assistant { content } => {
                exposure.check(content);
            }
            StepKind::Thinking { content, .. } => {
                exposure.check(content);
                quality.thinking_blocks += 1;
                thinking_bytes += content.len();
            }
            StepKind::ToolCall { tool, input, .. } => count_call(&mut usage, tool, input),
            _ => {}
        }
    }
    let calls: u32 = usage.calls_by_tool.values().sum();
    let latencies = tool_latencies(&trajectory.steps);
    let errors = collect_errors(trajectory, calls, &mut exposure);
    let outcome = trajectory.result.as_ref();
    quality.num_turns = outcome.map_or(0, |result| result.num_turns);
    quality.avg_thinking_length = ratio(thinking_bytes as f64, f64::from(quality.thinking_blocks));
    quality.unique_tools = usage.calls_by_tool.len();
    quality.tool_diversity = ratio(quality.unique_tools as f64, f64::from(calls));
    let spent = &trajectory.usage;
    let read = spent.input_tokens + spent.cache_read_tokens;
    Report {
        session_id: trajectory.session_id.clone(),
        model: trajectory.model.clone(),
        prompt_preview,
        started_at: trajectory.started_at,
        ended_at: trajectory.ended_at,
        performance: Performance {
            total_duration_ms: outcome.map_or(0, |result| result.duration_ms),
            tool_latency_stats: summarize(latencies),
            parallel_tool_batches: parallel_batches(&trajectory.steps),
            total_tool_calls: calls,
        },
        cost: Cost {
            total_cost_usd: spent.cost_usd,
            input_tokens: spent.input_tokens,
            output_tokens: spent.output_tokens,
            cache_read_tokens: spent.cache_read_tokens,
            cache_hit_rate: ratio(spent.cache_read_tokens as f64, read as f64),
            largest_context_tokens: largest_context,
            tokens_by_step_type: tokens,
        },
        errors,
        quality,
        tool_usage: usage,
        exposure,
    }
}

/// A share that is 0 of nothing.
pub fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

fn count_call(usage: &mut ToolUsage, tool: &str, input: &serde_json::Value) {
    *usage.calls_by_tool.entry(tool.to_owned()).or_insert(0) += 1;
    if let Some(file) = input.get("file_path").and_then(|value| value.as_str()) {
        *usage.files_touched.entry(file.to_owned()).or_insert(0) += 1;
    }
    if let Some(command) = input.get("command").and_then(|value| value.as_str()) {
        let shown = redact_command(command);
        if usage.longest_command.as_ref().is_none_or(|longest| shown.len() > longest.len()) {
            usage.longest_command = Some(shown);
        }
    }
}

/// Milliseconds from each call to its result.
fn tool_latencies(steps: &[Step]) -> Vec<i64> {
    let mut called: HashMap<&str, DateTime<Utc>> = HashMap::new();
    let mut latencies = Vec::new();
    for step in steps {
        match &step.kind {
            StepKind::ToolCall { tool_id, .. } => {
                called.insert(tool_id, step.timestamp);
            }
            StepKind::ToolResult { tool_id, .. } => {
                if let Some(start) = called.remove(tool_id.as_str()) {
                    latencies.push((step.timestamp - start).num_milliseconds());
                }
            }
            _ => {}
        }
    }
    latencies
}

fn summarize(mut latencies: Vec<i64>) -> Latency {
    latencies.sort_unstable();
    let (Some(&min_ms), Some(&max_ms)) = (latencies.first(), latencies.last()) else {
        return Latency::default();
    };
    let count = latencies.len();
    let at = |share: f64| latencies[((count - 1) as f64 * share) as usize];
    Latency {
        min_ms,
        max_ms,
        mean_ms: latencies.iter().sum::<i64>() as f64 / count as f64,
        p50_ms: at(0.5),
        p95_ms: at(0.95),
        count,
    }
}

/// Runs of two or more calls before the first of their results.
fn parallel_batches(steps: &[Step]) -> u32 {
    let (mut batches, mut length) = (0, 0);
    for step in steps {
        if matches!(step.kind, StepKind::ToolCall { .. }) {
            length += 1;
            batches += u32::from(length == 2);
        } else {
            length = 0;
        }
    }
    batches
}

fn collect_errors(trajectory: &Trajectory, calls: u32, exposure: &mut Exposure) -> Errors {
    let mut tools: HashMap<&str, &str> = HashMap::new();
    let mut errors = Errors::default();
    for step in &trajectory.steps {
        match &step.kind {
            StepKind::ToolCall { tool, tool_id, .. } => {
                tools.insert(tool_id, tool);
            }
            StepKind::ToolResult { tool_id, success, output } => {
                let shown = exposure.check(output.as_deref().unwrap_or_default());
                if !success {
                    let tool = tools.get(tool_id.as_str()).copied().unwrap_or("unknown");
                    errors.failed_tool_calls += 1;
                    *errors.errors_by_tool.entry(tool.to_owned()).or_insert(0) += 1;
                    errors.first_error_by_tool.entry(tool.to_owned()).or_insert(one_line(&shown, 100));
                }
            }
            _ => {}
        }
    }
    errors.success = trajectory.result.as_ref().is_some_and(|result| result.success);
    errors.tool_error_rate = ratio(f64::from(errors.failed_tool_calls), f64::from(calls));
    errors
}

fn print_report(report: &Report, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(report)?);
        return Ok(());
    }
    let (performance, cost, quality) = (&report.performance, &report.cost, &report.quality);
    println!("Session {} ({})", report.session_id, report.model);
    println!("  Prompt:      {}", report.prompt_preview);
    println!("  Duration:    {:.1} s in {} turns", performance.total_duration_ms as f64 / 1000.0, quality.num_turns);
    println!("  Cost:        ${:.4}, {:.1} % of the input cached", cost.total_cost_usd, cost.cache_hit_rate * 100.0);
    println!("  Tool calls:  {}, {} failed", performance.total_tool_calls, report.errors.failed_tool_calls);
    println!("  Latency:     {:.0} ms on average", performance.tool_latency_stats.mean_ms);
    for (tool, calls) in &report.tool_usage.calls_by_tool {
        println!("    {tool:<30} {calls:>5}");
    }
    for (kind, count) in &report.exposure.secrets {
        println!("  Secret shown: {kind}, {count} times");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_summarized() {
        let latency = summarize(vec![40, 10, 20, 30]);
        assert_eq!((latency.min_ms, latency.p50_ms, latency.max_ms, latency.count), (10, 20, 40, 4));
        assert_eq!(latency.mean_ms, 25.0);
        assert_eq!(summarize(Vec::new()).count, 0);
    }
}
