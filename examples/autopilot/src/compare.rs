//! Two sessions side by side.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::Result;

use crate::text::one_line;
use crate::trajectory::{StepKind, Trajectory};

const COLUMN: usize = 40;

/// Count of something in the first and in the second session.
type Pairs<'t> = BTreeMap<&'t str, (u32, u32)>;

pub fn run(first: &Path, second: &Path) -> Result<()> {
    let sessions = [Trajectory::load(first)?, Trajectory::load(second)?];
    let mut out = BufWriter::new(io::stdout().lock());
    for row in facts(&sessions[0]).iter().zip(facts(&sessions[1])) {
        let ((name, left), (_, right)) = row;
        writeln!(out, "{name:<12} {left:<COLUMN$} {right}")?;
    }
    let mut kinds = Pairs::new();
    let mut tools = Pairs::new();
    for (side, session) in sessions.iter().enumerate() {
        for step in &session.steps {
            count(&mut kinds, step.kind.name(), side);
            if let StepKind::ToolCall { tool, .. } = &step.kind {
                count(&mut tools, tool, side);
            }
        }
    }
    print_pairs(&mut out, "Steps", &kinds)?;
    print_pairs(&mut out, "Tools", &tools)?;
    out.flush()?;
    Ok(())
}

fn facts(session: &Trajectory) -> Vec<(&'static str, String)> {
    let result = session.result.as_ref();
    vec![
        ("Session", session.session_id.clone()),
        ("Model", session.model.clone()),
        ("Prompt", one_line(&session.prompt, COLUMN - 4)),
        ("Started", session.started_at.format("%Y-%m-%d %H:%M:%S").to_string()),
        ("Tokens in", session.usage.input_tokens.to_string()),
        ("Tokens out", session.usage.output_tokens.to_string()),
        ("Cached", session.usage.cache_read_tokens.to_string()),
        ("Cost", format!("${:.4}", session.usage.cost_usd)),
        ("Steps", session.steps.len().to_string()),
        ("Duration", result.map_or("unknown".into(), |result| format!("{} ms", result.duration_ms))),
        ("Success", result.map_or("unknown", |result| if result.success { "yes" } else { "no" }).into()),
    ]
}

fn count<'t>(pairs: &mut Pairs<'t>, name: &'t str, side: usize) {
    let pair = pairs.entry(name).or_default();
    if side == 0 {
        pair.0 += 1;
    } else {
        pair.1 += 1;
    }
}

fn print_pairs(out: &mut impl Write, title: &str, pairs: &Pairs) -> Result<()> {
    writeln!(out, "\n{title}")?;
    for (name, (left, right)) in pairs {
        let difference = i64::from(*right) - i64::from(*left);
        writeln!(out, "  {name:<34} {left:>7} {right:>7} {difference:>+7}")?;
    }
    Ok(())
}
