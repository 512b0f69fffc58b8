//! A session as it is written to disk: what was asked, every step, what it cost.

use std::path::Path;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug, Deserialize, Serialize)]
pub struct Trajectory {
    pub session_id: String,
    pub prompt: String,
    pub model: String,
    pub cwd: String,
    pub repo_sha: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    pub started_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
    pub steps: Vec<Step>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<SessionResult>,
    #[serde(default)]
    pub usage: Usage,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct Step {
    pub step_id: u32,
    pub timestamp: DateTime<Utc>,
    #[serde(flatten)]
    pub kind: StepKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_in: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_out: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_cached: Option<u64>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum StepKind {
    User {
        content: String,
    },
    Assistant {
        content: String,
    },
    Thinking {
        content: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
    },
    ToolCall {
        tool: String,
        tool_id: String,
        input: Value,
    },
    ToolResult {
        tool_id: String,
        success: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<String>,
    },
    SystemInit {
        model: String,
    },
    SystemStatus {
        status: String,
    },
}

#[derive(Debug, Deserialize, Serialize)]
pub struct SessionResult {
    pub success: bool,
    pub duration_ms: u64,
    pub num_turns: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_text: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issues_completed: Option<u32>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub struct Usage {
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cache_read_tokens: u64,
    pub cache_creation_tokens: u64,
    pub cost_usd: f64,
}

impl StepKind {
    /// The word that stands for this kind in the file, and in reports.
    pub fn name(&self) -> &'static str {
        match self {
            StepKind::User { .. } => "user",
            StepKind::Assistant { .. } => "assistant",
            StepKind::Thinking { .. } => "thinking",
            StepKind::ToolCall { .. } => "tool_call",
            StepKind::ToolResult { .. } => "tool_result",
            StepKind::SystemInit { .. } => "system_init",
            StepKind::SystemStatus { .. } => "system_status",
        }
    }
}

impl Trajectory {
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is no trajectory", path.display()))
    }

    pub fn save(&self, path: &Path) -> Result<()> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_told_apart_by_their_type() {
        let text = r#"{"step_id": 7, "timestamp": "2026-03-01T10:00:00.123456789Z", "type": "tool_result",
                       "tool_id": "t1", "success": true, "output": "caf\u00e9\n"}"#;
        let step: Step = serde_json::from_str(text).unwrap();
        assert_eq!(step.kind.name(), "tool_result");
        assert!(matches!(step.kind, StepKind::ToolResult { output: Some(o), .. } if o == "café\n"));
    }
}
