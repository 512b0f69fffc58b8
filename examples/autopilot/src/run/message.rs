//! What the agent and we say to each other: one JSON object a line.

use serde::Deserialize;
use serde_json::{Value, json};

/// A line of the agent.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Message {
    System {
        subtype: String,
        #[serde(default)]
        session_id: Option<String>,
        #[serde(default)]
        model: Option<String>,
    },
    Assistant {
        message: AssistantMessage,
    },
    User {
        message: UserMessage,
    },
    Result(Box<ResultMessage>),
    ControlRequest {
        request_id: String,
        request: Request,
    },
    ControlResponse {
        response: Response,
    },
    /// Says nothing but that the agent lives.
    KeepAlive {},
}

#[derive(Debug, Deserialize)]
pub struct AssistantMessage {
    pub content: Vec<Block>,
    #[serde(default)]
    pub usage: Tokens,
}

#[derive(Debug, Deserialize)]
pub struct UserMessage {
    pub content: UserContent,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum UserContent {
    Text(String),
    Blocks(Vec<Block>),
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Block {
    Text {
        text: String,
    },
    Thinking {
        thinking: String,
        #[serde(default)]
        signature: Option<String>,
    },
    ToolUse {
        id: String,
        name: String,
        input: Value,
    },
    ToolResult {
        tool_use_id: String,
        #[serde(default)]
        content: Value,
        #[serde(default)]
        is_error: bool,
    },
    /// Pictures and what else an agent may send: no step.
    #[serde(other)]
    Other,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tokens {
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cache_read_input_tokens: u64,
    pub cache_creation_input_tokens: u64,
}

#[derive(Debug, Deserialize)]
pub struct ResultMessage {
    pub subtype: String,
    #[serde(default)]
    pub is_error: bool,
    #[serde(default)]
    pub duration_ms: u64,
    #[serde(default)]
    pub num_turns: u32,
    #[serde(default)]
    pub result: Option<String>,
    #[serde(default)]
    pub errors: Vec<String>,
    #[serde(default)]
    pub total_cost_usd: f64,
    #[serde(default)]
    pub usage: Tokens,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "subtype", rename_all = "snake_case")]
pub enum Request {
    CanUseTool {
        input: Value,
    },
    HookCallback,
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "subtype", rename_all = "snake_case")]
pub enum Response {
    Success,
    Error {
        #[serde(default)]
        error: String,
    },
}

/// The line that begins a session.
pub fn prompt(text: &str) -> String {
    let message = json!({"role": "user", "content": text});
    line(&json!({"type": "user", "message": message, "parent_tool_use_id": null, "session_id": ""}))
}

/// The line that asks the agent to stop.
pub fn interrupt(request_id: &str) -> String {
    line(&json!({"type": "control_request", "request_id": request_id, "request": {"subtype": "interrupt"}}))
}

/// Our answer: the agent runs with all permissions, so every tool may be used as it is; hooks have nothing to add.
pub fn answer(request_id: &str, request: Request) -> String {
    let response = match request {
        Request::CanUseTool { input } => success(request_id, &json!({"behavior": "allow", "updatedInput": input})),
        Request::HookCallback => success(request_id, &json!({})),
        Request::Other => {
            json!({"subtype": "error", "request_id": request_id, "error": "this request is not supported"})
        }
    };
    line(&json!({"type": "control_response", "response": response}))
}

fn success(request_id: &str, response: &Value) -> Value {
    json!({"subtype": "success", "request_id": request_id, "response": response})
}

fn line(value: &Value) -> String {
    format!("{value}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_one_line_whatever_is_in_it() {
        assert_eq!(
            prompt("two\nlines"),
            "{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":\"two\\nlines\"},\
             \"parent_tool_use_id\":null,\"session_id\":\"\"}\n"
        );
    }

    #[test]
    fn blocks_are_told_apart_and_unknown_ones_accepted() {
        let text = r#"{"type": "assistant", "message": {"content": [{"type": "text", "text": "a"}, {"type": "image"},
                       {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}]}}"#;
        let Message::Assistant { message } = serde_json::from_str(text).unwrap() else { panic!("no assistant") };
        assert!(matches!(&message.content[..], [Block::Text { .. }, Block::Other, Block::ToolUse { .. }]));
    }

    #[test]
    fn a_tool_may_be_used_with_the_input_it_came_with() {
        let text = r#"{"type": "control_request", "request_id": "r1",
                       "request": {"subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": "ls"}}}"#;
        let Message::ControlRequest { request_id, request } = serde_json::from_str(text).unwrap() else {
            panic!("no request")
        };
        assert_eq!(
            answer(&request_id, request),
            "{\"type\":\"control_response\",\"response\":{\"subtype\":\"success\",\"request_id\":\"r1\",\
             \"response\":{\"behavior\":\"allow\",\"updatedInput\":{\"command\":\"ls\"}}}}\n"
        );
        let Request::Other = serde_json::from_str(r#"{"subtype": "dance"}"#).unwrap() else { panic!("known") };
        assert!(answer("r2", Request::Other).contains(r#""subtype":"error","request_id":"r2""#));
    }
}
