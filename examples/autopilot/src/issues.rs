//! The issue commands: what each does with the store, and what it prints.

use std::path::Path;

use anyhow::{Context, Result, bail};
use chrono::Utc;

use crate::cli::IssueCommand;
use crate::store::{Issue, Store, Stored};
use crate::text::one_line;

pub fn run(command: IssueCommand) -> Result<()> {
    match command {
        IssueCommand::List { status, database } => {
            // The file says "inprogress", people say "in_progress".
            list(&Store::open(&database.db)?, status.map(|word| word.replace('_', "")).as_deref())
        }
        IssueCommand::Create { title, description, priority, issue_type, agent, database } => {
            let store = Store::open(&database.db)?;
            let now = Utc::now();
            let issue = Issue {
                id: uuid::Uuid::new_v4().to_string(),
                number: store.next_number()?,
                title,
                description,
                status: "open".into(),
                priority,
                issue_type,
                agent,
                directive_id: None,
                is_blocked: false,
                blocked_reason: None,
                claimed_by: None,
                claimed_at: None,
                created_at: now,
                updated_at: now,
                completed_at: None,
            };
            store.put(&issue, false)?;
            println!("Created issue #{}: {}", issue.number, issue.title);
            Ok(())
        }
        IssueCommand::Claim { number, run_id, database } => change(&database.db, number, "Claimed", |issue| {
            issue.status = "inprogress".into();
            issue.claimed_at = Some(Utc::now());
            issue.claimed_by = Some(run_id.unwrap_or_else(|| format!("manual-{}", Utc::now().timestamp())));
        }),
        IssueCommand::Complete { number, database } => change(&database.db, number, "Completed", |issue| {
            issue.status = "done".into();
            issue.claimed_by = None;
            issue.claimed_at = None;
            issue.completed_at = Some(Utc::now());
        }),
        IssueCommand::Block { number, reason, database } => change(&database.db, number, "Blocked", |issue| {
            issue.is_blocked = true;
            issue.blocked_reason = Some(reason);
        }),
        IssueCommand::Ready { agent, database } => ready(&Store::open(&database.db)?, agent.as_deref()),
        IssueCommand::Export { output, include_completed, database } => {
            export(&Store::open(&database.db)?, &output, include_completed)
        }
        IssueCommand::Import { input, force, database } => import(&mut Store::open(&database.db)?, &input, force),
    }
}

fn change(db: &Path, number: i64, done: &str, edit: impl FnOnce(&mut Issue)) -> Result<()> {
    let store = Store::open(db)?;
    let mut issue = store.by_number(number)?;
    if issue.status == "done" {
        bail!("issue #{number} is done already");
    }
    edit(&mut issue);
    issue.updated_at = Utc::now();
    store.put(&issue, true)?;
    println!("{done} issue #{number}: {}", issue.title);
    Ok(())
}

fn list(store: &Store, status: Option<&str>) -> Result<()> {
    println!("{:<7} {:<12} {:<9} {:<8} Title", "Number", "Status", "Priority", "Agent");
    for issue in store.all(status)? {
        let blocked = if issue.is_blocked { " [blocked]" } else { "" };
        println!(
            "{:<7} {:<12} {:<9} {:<8} {}{blocked}",
            issue.number,
            issue.status,
            issue.priority,
            issue.agent,
            one_line(&issue.title, 60)
        );
    }
    Ok(())
}

fn ready(store: &Store, agent: Option<&str>) -> Result<()> {
    match store.next_ready(agent)? {
        Some(issue) => {
            println!("Next: #{} {} ({}, {})", issue.number, issue.title, issue.priority, issue.issue_type);
            println!("{}", issue.description.unwrap_or_default());
        }
        None => println!("No issue is ready"),
    }
    Ok(())
}

fn export(store: &Store, output: &Path, include_completed: bool) -> Result<()> {
    let mut issues = store.all(None)?;
    issues.retain(|issue| include_completed || issue.status != "done");
    std::fs::write(output, serde_json::to_string_pretty(&issues)?)
        .with_context(|| format!("cannot write {}", output.display()))?;
    println!("Exported {} issues to {}", issues.len(), output.display());
    Ok(())
}

fn import(store: &mut Store, input: &Path, force: bool) -> Result<()> {
    let text = std::fs::read_to_string(input).with_context(|| format!("cannot read {}", input.display()))?;
    let issues: Vec<Issue> =
        serde_json::from_str(&text).with_context(|| format!("{} is no export of issues", input.display()))?;
    let stored = store.put_all(&issues, force)?;
    let number_of = |what| stored.iter().filter(|&&one| one == what).count();
    println!(
        "Imported {}, updated {}, skipped {}",
        number_of(Stored::Added),
        number_of(Stored::Updated),
        number_of(Stored::Skipped)
    );
    Ok(())
}
