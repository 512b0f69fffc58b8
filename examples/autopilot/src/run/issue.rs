//! The issue a session works on: claimed before, done or open again afterwards.

use std::path::Path;

use anyhow::Result;
use chrono::Utc;

use crate::store::{Issue, Store};

/// Claims the most urgent issue that is ready, for this process; `None` where there is none.
pub fn claim(db: &Path) -> Result<Option<Issue>> {
    let store = Store::open(db)?;
    let Some(mut issue) = store.next_ready(None)? else { return Ok(None) };
    let now = Utc::now();
    issue.status = "inprogress".into();
    issue.claimed_by = Some(format!("run-{}", std::process::id()));
    issue.claimed_at = Some(now);
    issue.updated_at = now;
    store.put(&issue, true)?;
    Ok(Some(issue))
}

/// Marks `issue` as done, or gives it back.
pub fn release(db: &Path, mut issue: Issue, done: bool) -> Result<()> {
    let now = Utc::now();
    issue.status = if done { "done" } else { "open" }.into();
    issue.claimed_by = None;
    issue.claimed_at = None;
    issue.completed_at = done.then_some(now);
    issue.updated_at = now;
    Store::open(db)?.put(&issue, true)?;
    Ok(())
}

/// What the agent is told: the prompt, and below it the issue.
pub fn prompt_for(prompt: &str, issue: Option<&Issue>) -> String {
    match issue {
        Some(issue) => {
            let description = issue.description.as_deref().unwrap_or_default();
            format!("{prompt}\n\nIssue #{}: {}\n\n{description}", issue.number, issue.title)
        }
        None => prompt.to_owned(),
    }
}
