//! One session: everything the agent says is recorded and logged as it comes, whatever the end.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Result;
use chrono::Utc;

use crate::cli::RunOptions;
use crate::run::ending::Ending;
use crate::run::files::SessionFiles;
use crate::run::message::Message;
use crate::run::metrics::{self, METRICS_DB};
use crate::run::recorder::Recorder;
use crate::run::repository::Revision;
use crate::run::rlog::RunLog;

pub struct Session {
    recorder: Recorder,
    log: RunLog<File>,
    trajectory: PathBuf,
    verbose: bool,
}

impl Session {
    pub fn begin(options: &RunOptions, prompt: &str, cwd: &Path) -> Result<Self> {
        let now = Utc::now();
        let cwd_text = cwd.display().to_string();
        let recorder = Recorder::new(prompt, &options.model, cwd_text, Revision::of(cwd), now);
        let slug = options.slug.as_deref().unwrap_or(prompt);
        let files = SessionFiles::create(options.output_dir.as_deref(), slug, now)?;
        let log = RunLog::begin(files.log, &recorder.trajectory)?;
        Ok(Session { recorder, log, trajectory: files.trajectory, verbose: options.verbose })
    }

    /// Whether the agent has done nothing yet but say its name.
    pub fn is_untouched(&self) -> bool {
        self.recorder.trajectory.steps.len() < 2
    }

    pub fn add(&mut self, message: Message) -> Result<()> {
        for step in self.recorder.add(message, Utc::now()) {
            let line = self.log.step(step)?;
            if self.verbose {
                println!("{line}");
            }
        }
        Ok(())
    }

    /// Writes the trajectory and the row of the database; gives back the sentence about the end.
    pub fn finish(mut self, ending: &Ending, completed_issues: Option<u32>) -> Result<String> {
        let now = Utc::now();
        let trajectory = &mut self.recorder.trajectory;
        trajectory.ended_at.get_or_insert(now);
        if let Some(result) = &mut trajectory.result {
            result.issues_completed = completed_issues;
        }
        let sentence = ending.sentence(trajectory.result.as_ref(), trajectory.usage.cost_usd);
        trajectory.save(&self.trajectory)?;
        self.log.end(&sentence, now)?;
        metrics::store(Path::new(METRICS_DB), &self.recorder, ending.status())?;
        let trajectory = &self.recorder.trajectory;
        println!(
            "Session {}: {} total, {} tool calls, ${:.4}",
            ending.status(),
            trajectory.steps.len(),
            self.recorder.tool_calls(),
            trajectory.usage.cost_usd
        );
        // Not on standard output: the name holds the time, and what is printed of equal sessions is equal.
        eprintln!("Recorded in {}", self.trajectory.display());
        Ok(sentence)
    }
}
