//! What the agent says becomes a trajectory, step by step.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::run::message::{AssistantMessage, Block, Message, ResultMessage, Tokens, UserContent};
use crate::run::repository::Revision;
use crate::trajectory::{SessionResult, Step, StepKind, Trajectory, Usage};

/// A call of a tool that has its result.
pub struct ToolCall {
    pub tool: String,
    pub called_at: DateTime<Utc>,
    pub duration_ms: i64,
    pub success: bool,
}

pub struct Recorder {
    pub trajectory: Trajectory,
    pub calls: Vec<ToolCall>,
    waiting: HashMap<String, (String, DateTime<Utc>)>,
}

impl Recorder {
    pub fn new(prompt: &str, model: &str, cwd: String, revision: Revision, now: DateTime<Utc>) -> Self {
        let trajectory = Trajectory {
            session_id: uuid::Uuid::new_v4().to_string(),
            prompt: prompt.to_owned(),
            model: model.to_owned(),
            cwd,
            repo_sha: revision.commit,
            branch: revision.branch,
            started_at: now,
            ended_at: None,
            steps: Vec::new(),
            result: None,
            usage: Usage::default(),
        };
        Recorder { trajectory, calls: Vec::new(), waiting: HashMap::new() }
    }

    /// How many calls there were, with or without a result.
    pub fn tool_calls(&self) -> usize {
        self.calls.len() + self.waiting.len()
    }

    /// The steps that `message` adds. A message that is none, as an answer to us, adds none.
    pub fn add(&mut self, message: Message, now: DateTime<Utc>) -> &[Step] {
        let first = self.trajectory.steps.len();
        match message {
            Message::System { subtype, session_id, model } => self.system(subtype, session_id, model, now),
            Message::Assistant { message } => self.assistant(message, now),
            Message::User { message } => match message.content {
                UserContent::Text(content) => self.push(StepKind::User { content }, now, None),
                UserContent::Blocks(blocks) => blocks.into_iter().for_each(|block| self.block(block, now, None)),
            },
            Message::Result(result) => self.end(*result, now),
            Message::ControlRequest { .. } | Message::ControlResponse { .. } | Message::KeepAlive {} => {}
        }
        &self.trajectory.steps[first..]
    }

    fn push(&mut self, kind: StepKind, now: DateTime<Utc>, tokens: Option<&Tokens>) {
        let steps = &mut self.trajectory.steps;
        steps.push(Step {
            step_id: steps.len() as u32 + 1,
            timestamp: now,
            kind,
            tokens_in: tokens.map(|tokens| tokens.input_tokens),
            tokens_out: tokens.map(|tokens| tokens.output_tokens),
            tokens_cached: tokens.map(|tokens| tokens.cache_read_input_tokens),
        });
    }

    fn system(&mut self, subtype: String, session_id: Option<String>, model: Option<String>, now: DateTime<Utc>) {
        if subtype != "init" {
            return self.push(StepKind::SystemStatus { status: subtype }, now, None);
        }
        if let Some(session_id) = session_id {
            self.trajectory.session_id = session_id;
        }
        if let Some(model) = model {
            self.trajectory.model = model;
        }
        let model = self.trajectory.model.clone();
        self.push(StepKind::SystemInit { model }, now, None);
    }

    /// The tokens of a message are those of its first step: added up over the steps they are right.
    fn assistant(&mut self, message: AssistantMessage, now: DateTime<Utc>) {
        let spent = &mut self.trajectory.usage;
        spent.input_tokens += message.usage.input_tokens;
        spent.output_tokens += message.usage.output_tokens;
        spent.cache_read_tokens += message.usage.cache_read_input_tokens;
        spent.cache_creation_tokens += message.usage.cache_creation_input_tokens;
        let mut tokens = Some(&message.usage);
        for block in message.content {
            self.block(block, now, tokens.take());
        }
    }

    fn block(&mut self, block: Block, now: DateTime<Utc>, tokens: Option<&Tokens>) {
        let kind = match block {
            Block::Text { text } => StepKind::Assistant { content: text },
            Block::Thinking { thinking, signature } => StepKind::Thinking { content: thinking, signature },
            Block::ToolUse { id, name, input } => {
                self.waiting.insert(id.clone(), (name.clone(), now));
                StepKind::ToolCall { tool: name, tool_id: id, input }
            }
            Block::ToolResult { tool_use_id, content, is_error } => {
                if let Some((tool, called_at)) = self.waiting.remove(&tool_use_id) {
                    let duration_ms = (now - called_at).num_milliseconds();
                    self.calls.push(ToolCall { tool, called_at, duration_ms, success: !is_error });
                }
                StepKind::ToolResult { tool_id: tool_use_id, success: !is_error, output: text_of(content) }
            }
            Block::Other => return,
        };
        self.push(kind, now, tokens);
    }

    /// What the agent counted itself is right; ours is what there is of a session without an end.
    fn end(&mut self, result: ResultMessage, now: DateTime<Utc>) {
        let trajectory = &mut self.trajectory;
        trajectory.ended_at = Some(now);
        trajectory.usage = Usage {
            input_tokens: result.usage.input_tokens,
            output_tokens: result.usage.output_tokens,
            cache_read_tokens: result.usage.cache_read_input_tokens,
            cache_creation_tokens: result.usage.cache_creation_input_tokens,
            cost_usd: result.total_cost_usd,
        };
        trajectory.result = Some(SessionResult {
            success: !result.is_error && result.subtype == "success",
            duration_ms: result.duration_ms,
            num_turns: result.num_turns,
            result_text: result.result,
            errors: result.errors,
            issues_completed: None,
        });
    }
}

/// The text of a tool's result, which is a text or a list of parts; `None` where there is nothing to read.
fn text_of(content: Value) -> Option<String> {
    match content {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part.get("text")?.as_str()).collect();
            if texts.is_empty() { None } else { Some(texts.join("\n")) }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(lines: &[&str]) -> Recorder {
        let revision = Revision { commit: "unknown".into(), branch: None };
        let mut recorder = Recorder::new("go", "sonnet", "/tmp".into(), revision, Utc::now());
        for line in lines {
            recorder.add(serde_json::from_str(line).unwrap(), Utc::now());
        }
        recorder
    }

    #[test]
    fn a_call_and_its_result_are_steps_and_one_finished_call() {
        let recorder = recorded(&[
            r#"{"type": "system", "subtype": "init", "session_id": "s1", "model": "opus"}"#,
            r#"{"type": "assistant", "message": {"usage": {"input_tokens": 3, "output_tokens": 5}, "content": [
                {"type": "text", "text": "a"}, {"type": "tool_use", "id": "t1", "name": "Bash", "input": {}}]}}"#,
            r#"{"type": "user", "message": {"content": [
                {"type": "tool_result", "tool_use_id": "t1", "is_error": true, "content": [{"type": "text", "text": "b"}]}]}}"#,
        ]);
        let trajectory = &recorder.trajectory;
        assert_eq!((trajectory.session_id.as_str(), trajectory.model.as_str()), ("s1", "opus"));
        let names: Vec<_> = trajectory.steps.iter().map(|step| (step.step_id, step.kind.name())).collect();
        assert_eq!(names, [(1, "system_init"), (2, "assistant"), (3, "tool_call"), (4, "tool_result")]);
        let tokens: Vec<_> = trajectory.steps.iter().map(|step| step.tokens_out).collect();
        assert_eq!(tokens, [None, Some(5), None, None]);
        assert!(matches!(&trajectory.steps[3].kind,
            StepKind::ToolResult { success: false, output: Some(text), .. } if text == "b"));
        assert_eq!((recorder.tool_calls(), recorder.calls[0].tool.as_str()), (1, "Bash"));
        assert_eq!(trajectory.usage.output_tokens, 5);
    }

    #[test]
    fn the_result_says_how_it_ended_and_what_it_cost() {
        let recorder = recorded(&[
            r#"{"type": "result", "subtype": "error_max_turns", "is_error": true, "num_turns": 7, "duration_ms": 12,
                "errors": ["enough"], "total_cost_usd": 0.5, "usage": {"output_tokens": 9}}"#,
        ]);
        let result = recorder.trajectory.result.as_ref().unwrap();
        assert_eq!(
            (result.success, result.num_turns, result.errors.as_slice()),
            (false, 7, &["enough".to_owned()][..])
        );
        assert_eq!((recorder.trajectory.usage.cost_usd, recorder.trajectory.usage.output_tokens), (0.5, 9));
    }
}
