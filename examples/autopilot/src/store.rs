//! Issues in a SQLite file.

use std::path::Path;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS issues (
        id TEXT PRIMARY KEY,
        number INTEGER NOT NULL UNIQUE,
        title TEXT NOT NULL,
        description TEXT,
        status TEXT NOT NULL,
        priority TEXT NOT NULL,
        issue_type TEXT NOT NULL,
        agent TEXT NOT NULL,
        directive_id TEXT,
        is_blocked INTEGER NOT NULL,
        blocked_reason TEXT,
        claimed_by TEXT,
        claimed_at TEXT,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        completed_at TEXT
    );
    CREATE INDEX IF NOT EXISTS issues_by_status ON issues (status, is_blocked);
    CREATE TABLE IF NOT EXISTS events (
        issue_id TEXT NOT NULL REFERENCES issues (id),
        what TEXT NOT NULL,
        at TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS events_by_issue ON events (issue_id);";

const COLUMNS: &str = "id, number, title, description, status, priority, issue_type, agent, directive_id, \
    is_blocked, blocked_reason, claimed_by, claimed_at, created_at, updated_at, completed_at";

#[derive(Clone, Deserialize, Serialize)]
pub struct Issue {
    pub id: String,
    pub number: i64,
    pub title: String,
    pub description: Option<String>,
    pub status: String,
    pub priority: String,
    pub issue_type: String,
    pub agent: String,
    pub directive_id: Option<String>,
    pub is_blocked: bool,
    pub blocked_reason: Option<String>,
    pub claimed_by: Option<String>,
    pub claimed_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub completed_at: Option<DateTime<Utc>>,
}

/// What an import did with one issue.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    Added,
    Updated,
    Skipped,
}

pub struct Store {
    connection: Connection,
}

impl Store {
    pub fn open(path: &Path) -> Result<Self> {
        let connection = Connection::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        connection.execute_batch(SCHEMA).with_context(|| format!("{} is no issue database", path.display()))?;
        Ok(Store { connection })
    }

    pub fn next_number(&self) -> Result<i64> {
        let last: Option<i64> = self.connection.query_row("SELECT max(number) FROM issues", [], |row| row.get(0))?;
        Ok(last.unwrap_or(0) + 1)
    }

    pub fn all(&self, status: Option<&str>) -> Result<Vec<Issue>> {
        let filter = if status.is_some() { "WHERE status = ?1" } else { "WHERE ?1 IS NULL" };
        let query = format!("SELECT {COLUMNS} FROM issues {filter} ORDER BY number");
        let mut statement = self.connection.prepare(&query)?;
        let rows = statement.query_map([status], read_issue)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub fn by_number(&self, number: i64) -> Result<Issue> {
        let query = format!("SELECT {COLUMNS} FROM issues WHERE number = ?1");
        let found = self.connection.query_row(&query, [number], read_issue).optional()?;
        match found {
            Some(issue) => Ok(issue),
            None => bail!("there is no issue #{number}"),
        }
    }

    /// The most urgent open issue, the oldest of several.
    pub fn next_ready(&self, agent: Option<&str>) -> Result<Option<Issue>> {
        let query = format!(
            "SELECT {COLUMNS} FROM issues WHERE status = 'open' AND is_blocked = 0 AND (?1 IS NULL OR agent = ?1)
             ORDER BY CASE priority WHEN 'urgent' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END, number
             LIMIT 1"
        );
        Ok(self.connection.query_row(&query, [agent], read_issue).optional()?)
    }

    /// Adds an issue, or with `replace` writes it over the one with the same id.
    pub fn put(&self, issue: &Issue, replace: bool) -> Result<Stored> {
        let known: Option<i64> = self
            .connection
            .query_row("SELECT number FROM issues WHERE id = ?1", [&issue.id], |row| row.get(0))
            .optional()?;
        let stored = match (known, replace) {
            (None, _) => Stored::Added,
            (Some(_), true) => Stored::Updated,
            (Some(_), false) => return Ok(Stored::Skipped),
        };
        let write = format!(
            "INSERT OR REPLACE INTO issues ({COLUMNS})
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"
        );
        self.connection.execute(
            &write,
            params![
                issue.id,
                issue.number,
                issue.title,
                issue.description,
                issue.status,
                issue.priority,
                issue.issue_type,
                issue.agent,
                issue.directive_id,
                issue.is_blocked,
                issue.blocked_reason,
                issue.claimed_by,
                stamp(issue.claimed_at),
                stamp(Some(issue.created_at)),
                stamp(Some(issue.updated_at)),
                stamp(issue.completed_at),
            ],
        )?;
        self.connection.execute(
            "INSERT INTO events (issue_id, what, at) VALUES (?1, ?2, ?3)",
            params![issue.id, issue.status, stamp(Some(issue.updated_at))],
        )?;
        Ok(stored)
    }

    /// All or none.
    pub fn put_all(&mut self, issues: &[Issue], replace: bool) -> Result<Vec<Stored>> {
        self.connection.execute_batch("BEGIN")?;
        let stored = issues.iter().map(|issue| self.put(issue, replace)).collect::<Result<_>>()?;
        self.connection.execute_batch("COMMIT")?;
        Ok(stored)
    }
}

fn stamp(time: Option<DateTime<Utc>>) -> Option<String> {
    time.map(|time| time.to_rfc3339())
}

fn read_stamp(row: &Row, column: usize) -> rusqlite::Result<Option<DateTime<Utc>>> {
    let text: Option<String> = row.get(column)?;
    let Some(text) = text else { return Ok(None) };
    match DateTime::parse_from_rfc3339(&text) {
        Ok(time) => Ok(Some(time.to_utc())),
        Err(error) => {
            Err(rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error)))
        }
    }
}

fn read_issue(row: &Row) -> rusqlite::Result<Issue> {
    Ok(Issue {
        id: row.get(0)?,
        number: row.get(1)?,
        title: row.get(2)?,
        description: row.get(3)?,
        status: row.get(4)?,
        priority: row.get(5)?,
        issue_type: row.get(6)?,
        agent: row.get(7)?,
        directive_id: row.get(8)?,
        is_blocked: row.get(9)?,
        blocked_reason: row.get(10)?,
        claimed_by: row.get(11)?,
        claimed_at: read_stamp(row, 12)?,
        created_at: read_stamp(row, 13)?.unwrap_or_default(),
        updated_at: read_stamp(row, 14)?.unwrap_or_default(),
        completed_at: read_stamp(row, 15)?,
    })
}
