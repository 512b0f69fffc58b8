//! What every session cost, in a SQLite file that grows: a row for the session, and one for each call of a tool.

use std::path::Path;

use anyhow::{Context, Result};
use rusqlite::{Connection, params};

use crate::run::recorder::{Recorder, ToolCall};
use crate::text::{head, one_line};
use crate::trajectory::Trajectory;

pub const METRICS_DB: &str = "autopilot-metrics.db";

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS sessions (
        number INTEGER PRIMARY KEY,
        session_id TEXT NOT NULL,
        model TEXT NOT NULL,
        prompt TEXT NOT NULL,
        started_at TEXT NOT NULL,
        status TEXT NOT NULL,
        duration_ms INTEGER NOT NULL,
        turns INTEGER NOT NULL,
        steps INTEGER NOT NULL,
        tool_calls INTEGER NOT NULL,
        tool_errors INTEGER NOT NULL,
        input_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL,
        cache_read_tokens INTEGER NOT NULL,
        cost_usd REAL NOT NULL
    );
    CREATE INDEX IF NOT EXISTS sessions_by_start ON sessions (started_at);
    CREATE TABLE IF NOT EXISTS tool_calls (
        session INTEGER NOT NULL REFERENCES sessions (number),
        tool TEXT NOT NULL,
        called_at TEXT NOT NULL,
        duration_ms INTEGER NOT NULL,
        success INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS tool_calls_by_session ON tool_calls (session, tool);";

/// Adds the session; all of it or nothing. `status` is the subtype of its result, or what we call its lack.
pub fn store(path: &Path, recorder: &Recorder, status: &str) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let mut connection = Connection::open(path).with_context(failed)?;
    // Two runs in one folder, under two homes, wait for each other.
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.execute_batch(SCHEMA).with_context(failed)?;
    let transaction = connection.transaction().with_context(failed)?;
    insert_session(&transaction, recorder, status).with_context(failed)?;
    insert_calls(&transaction, &recorder.calls).with_context(failed)?;
    transaction.commit().with_context(failed)
}

fn insert_session(connection: &Connection, recorder: &Recorder, status: &str) -> rusqlite::Result<()> {
    let trajectory: &Trajectory = &recorder.trajectory;
    let (result, usage) = (trajectory.result.as_ref(), &trajectory.usage);
    connection.execute(
        "INSERT INTO sessions (session_id, model, prompt, started_at, status, duration_ms, turns, steps, tool_calls,
             tool_errors, input_tokens, output_tokens, cache_read_tokens, cost_usd)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        params![
            trajectory.session_id,
            trajectory.model,
            one_line(head(&trajectory.prompt, 400), 100),
            trajectory.started_at.to_rfc3339(),
            status,
            result.map_or(0, |result| result.duration_ms as i64),
            result.map_or(0, |result| result.num_turns),
            trajectory.steps.len() as i64,
            recorder.tool_calls() as i64,
            recorder.calls.iter().filter(|call| !call.success).count() as i64,
            usage.input_tokens as i64,
            usage.output_tokens as i64,
            usage.cache_read_tokens as i64,
            usage.cost_usd,
        ],
    )?;
    Ok(())
}

fn insert_calls(connection: &Connection, calls: &[ToolCall]) -> rusqlite::Result<()> {
    let session = connection.last_insert_rowid();
    let mut statement = connection.prepare(
        "INSERT INTO tool_calls (session, tool, called_at, duration_ms, success) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for call in calls {
        statement.execute(params![session, call.tool, call.called_at.to_rfc3339(), call.duration_ms, call.success])?;
    }
    Ok(())
}
