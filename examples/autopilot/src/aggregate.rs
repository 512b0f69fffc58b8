//! Many sessions as one table.

use anyhow::Result;
use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use serde::Serialize;

use crate::analyze::{Report, ratio};
use crate::redact::Hits;

#[derive(Serialize)]
pub struct Aggregate {
    pub trajectory_count: usize,
    pub date_range: (DateTime<Utc>, DateTime<Utc>),
    pub by_model: IndexMap<String, ModelTotals>,
    pub total_cost_usd: f64,
    pub avg_cost_usd: f64,
    pub avg_duration_ms: f64,
    pub overall_success_rate: f64,
    pub avg_tool_error_rate: f64,
    pub avg_cache_hit_rate: f64,
    pub total_tool_calls: u32,
    pub top_error_tools: Vec<(String, u32)>,
    pub secrets: Hits,
}

#[derive(Default, Serialize)]
pub struct ModelTotals {
    pub count: u32,
    pub total_cost_usd: f64,
    pub successes: u32,
}

impl Aggregate {
    /// `reports` holds at least one.
    pub fn of(reports: &[Report]) -> Self {
        let mut by_model: IndexMap<String, ModelTotals> = IndexMap::new();
        let mut errors: IndexMap<String, u32> = IndexMap::new();
        let mut secrets = Hits::new();
        for report in reports {
            let totals = by_model.entry(report.model.clone()).or_default();
            totals.count += 1;
            totals.total_cost_usd += report.cost.total_cost_usd;
            totals.successes += u32::from(report.errors.success);
            for (tool, count) in &report.errors.errors_by_tool {
                *errors.entry(tool.clone()).or_insert(0) += count;
            }
            for (kind, count) in &report.exposure.secrets {
                *secrets.entry(kind).or_insert(0) += count;
            }
        }
        let mut top_error_tools: Vec<_> = errors.into_iter().collect();
        top_error_tools.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let first = reports.iter().map(|report| report.started_at).min().unwrap_or_default();
        let last = reports.iter().map(|report| report.started_at).max().unwrap_or_default();
        let mean = |value: fn(&Report) -> f64| ratio(reports.iter().map(value).sum(), reports.len() as f64);
        Aggregate {
            trajectory_count: reports.len(),
            date_range: (first, last),
            by_model,
            total_cost_usd: reports.iter().map(|report| report.cost.total_cost_usd).sum(),
            avg_cost_usd: mean(|report| report.cost.total_cost_usd),
            avg_duration_ms: mean(|report| report.performance.total_duration_ms as f64),
            overall_success_rate: mean(|report| f64::from(u8::from(report.errors.success))),
            avg_tool_error_rate: mean(|report| report.errors.tool_error_rate),
            avg_cache_hit_rate: mean(|report| report.cost.cache_hit_rate),
            total_tool_calls: reports.iter().map(|report| report.performance.total_tool_calls).sum(),
            top_error_tools,
            secrets,
        }
    }

    pub fn print(&self, json: bool) -> Result<()> {
        if json {
            println!("{}", serde_json::to_string_pretty(self)?);
            return Ok(());
        }
        println!("{} sessions", self.trajectory_count);
        println!("  Cost:         ${:.4}, ${:.4} each", self.total_cost_usd, self.avg_cost_usd);
        println!("  Duration:     {:.1} s each", self.avg_duration_ms / 1000.0);
        println!("  Successful:   {:.1} %", self.overall_success_rate * 100.0);
        println!("  Tool calls:   {}, {:.1} % failed", self.total_tool_calls, self.avg_tool_error_rate * 100.0);
        for (model, totals) in &self.by_model {
            println!("  {model:<30} {:>5} sessions", totals.count);
        }
        for (tool, count) in &self.top_error_tools {
            println!("  {tool:<30} {count:>5} errors");
        }
        for (kind, count) in &self.secrets {
            println!("  {kind:<30} {count:>5} secrets shown");
        }
        Ok(())
    }
}
