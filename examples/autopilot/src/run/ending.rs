//! How a session ended, in one word and in one sentence.

use std::process::ExitStatus;

use crate::trajectory::SessionResult;

pub enum Ending {
    /// The agent gave a result of this subtype: `success`, or what kept it from it.
    Result(String),
    /// The agent ended, or closed its output, before it gave a result.
    Silent(ExitStatus),
    /// A signal stopped us.
    Stopped(i32),
}

impl Ending {
    pub fn is_success(&self) -> bool {
        matches!(self, Ending::Result(subtype) if subtype == "success")
    }

    /// The word for the database: the subtype of the result, or of our own making.
    pub fn status(&self) -> &str {
        match self {
            Ending::Result(subtype) => subtype,
            Ending::Silent(_) => "no_result",
            Ending::Stopped(_) => "stopped",
        }
    }

    /// What happened, and what to do about it.
    pub fn sentence(&self, result: Option<&SessionResult>, cost_usd: f64) -> String {
        let turns = result.map_or(0, |result| result.num_turns);
        let errors = result.map(|result| result.errors.join("; ")).filter(|errors| !errors.is_empty());
        let why = errors.unwrap_or_else(|| "it does not say why".into());
        match self {
            Ending::Result(subtype) => match subtype.as_str() {
                "success" => "the session succeeded".into(),
                "error_max_turns" => format!("the agent used up its {turns} turns: raise --max-turns, or ask for less"),
                "error_max_budget_usd" => {
                    format!("the agent used up its budget with ${cost_usd:.2}: raise --max-budget, or ask for less")
                }
                "error_during_execution" => format!("the agent gave up: {why}"),
                other => format!("the agent ended with \"{other}\": {why}"),
            },
            Ending::Silent(status) => format!("the agent ended before it gave a result ({status})"),
            Ending::Stopped(signal) => format!("stopped by signal {signal}"),
        }
    }

    /// As a shell reports it: 0, 1, or 128 and the signal.
    pub fn exit_code(&self) -> u8 {
        match self {
            Ending::Stopped(signal) => 128 + *signal as u8,
            _ => u8::from(!self.is_success()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn every_ending_has_a_sentence_and_an_exit_code() {
        let result = SessionResult {
            success: false,
            duration_ms: 1,
            num_turns: 7,
            result_text: None,
            errors: vec!["no disk".into(), "no luck".into()],
            issues_completed: None,
        };
        let told = |ending: Ending| (ending.sentence(Some(&result), 2.5), ending.exit_code());
        let subtype = |word: &str| told(Ending::Result(word.into()));
        assert_eq!(subtype("success"), ("the session succeeded".into(), 0));
        assert_eq!(subtype("error_during_execution"), ("the agent gave up: no disk; no luck".into(), 1));
        assert_eq!(
            subtype("error_max_turns"),
            ("the agent used up its 7 turns: raise --max-turns, or ask for less".into(), 1)
        );
        assert_eq!(
            subtype("error_max_budget_usd"),
            ("the agent used up its budget with $2.50: raise --max-budget, or ask for less".into(), 1)
        );
        assert_eq!(subtype("error_new"), ("the agent ended with \"error_new\": no disk; no luck".into(), 1));
        assert_eq!(
            told(Ending::Silent(ExitStatus::from_raw(3 << 8))),
            ("the agent ended before it gave a result (exit status: 3)".into(), 1)
        );
        assert_eq!(told(Ending::Stopped(15)), ("stopped by signal 15".into(), 143));
    }
}
