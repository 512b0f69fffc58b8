//! `autopilot run`: prompts an agent, answers what it asks, and keeps what it does.

mod agent;
mod ending;
mod files;
mod issue;
mod lock;
mod message;
mod metrics;
mod recorder;
mod repository;
mod rlog;
mod session;
mod signals;

use std::env;
use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::cli::RunOptions;
use crate::run::agent::{Agent, AgentNumber, Event, Launch};
use crate::run::ending::Ending;
use crate::run::lock::RunLock;
use crate::run::message::{Message, Response};
use crate::run::session::Session;

const DEFAULT_PROMPT: &str = "Work on the next issue that is ready.";

/// How long an agent may take to end when it has nothing more to do, and to answer when it is asked to stop.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between a session that failed and the next one.
const PAUSE: Duration = Duration::from_secs(1);

pub fn run(options: &RunOptions) -> Result<ExitCode> {
    let home = env::var_os("HOME").map(PathBuf::from).context("HOME is not set, and run.lock belongs there: set it")?;
    let launch = Launch::of(options, &home)?;
    if options.dry_run {
        println!("Would start {} {}", launch.program.display(), launch.arguments.join(" "));
        println!("in {}", launch.cwd.display());
        return Ok(ExitCode::SUCCESS);
    }
    let (sender, events) = channel();
    signals::forward(sender.clone())?;
    let _lock = RunLock::take(&home)?;
    Runner { options, launch, sender, events, agent: None, started: 0 }.work()
}

struct Runner<'o> {
    options: &'o RunOptions,
    launch: Launch,
    sender: Sender<(AgentNumber, Event)>,
    events: Receiver<(AgentNumber, Event)>,
    agent: Option<Agent>,
    started: AgentNumber,
}

impl Runner<'_> {
    /// One session, or with `--full-auto` one after the other.
    fn work(mut self) -> Result<ExitCode> {
        loop {
            let ending = self.session()?;
            let has_result = matches!(ending, Ending::Result(_));
            if has_result && !self.options.full_auto {
                self.dismiss()?;
            }
            // An agent that we stopped had its time already: it is killed with its value.
            if !has_result || !self.options.full_auto {
                return Ok(ExitCode::from(ending.exit_code()));
            }
            if !ending.is_success() {
                if let Some(signal) = self.rest()? {
                    return Ok(ExitCode::from(Ending::Stopped(signal).exit_code()));
                }
            }
        }
    }

    fn session(&mut self) -> Result<Ending> {
        let (options, db) = (self.options, &self.options.issues_db);
        let issue = if options.with_issues { issue::claim(db)? } else { None };
        let prompt = issue::prompt_for(options.prompt.as_deref().unwrap_or(DEFAULT_PROMPT), issue.as_ref());
        let mut session = Session::begin(options, &prompt, &self.launch.cwd)?;
        let ending = self.converse(&prompt, &mut session);
        let done = ending.as_ref().is_ok_and(Ending::is_success);
        let completed = issue.as_ref().map(|_| u32::from(done));
        // An issue is given back whatever went wrong.
        if let Some(issue) = issue {
            issue::release(db, issue, done)?;
        }
        let ending = ending?;
        let sentence = session.finish(&ending, completed)?;
        if !ending.is_success() {
            eprintln!("Error: {sentence}");
        }
        Ok(ending)
    }

    /// Prompts the agent, and listens until it has a result, or is gone, or we are to stop.
    fn converse(&mut self, prompt: &str, session: &mut Session) -> Result<Ending> {
        let mut fresh = self.agent.is_none();
        self.say(message::prompt(prompt))?;
        while let Some(event) = self.next(None) {
            match event {
                Event::Said(message) => {
                    if let Some(subtype) = self.hear(message, session)? {
                        return Ok(Ending::Result(subtype));
                    }
                }
                Event::NotUnderstood(why) => eprintln!("warning: the agent said what is no message: {why}"),
                Event::Signal(signal) => return self.stop(signal, session),
                // An agent that ends after every session: the prompt came too late for it.
                Event::Closed if !fresh && session.is_untouched() => {
                    self.bury()?;
                    fresh = true;
                    self.say(message::prompt(prompt))?;
                }
                Event::Closed => break,
            }
        }
        Ok(Ending::Silent(self.bury()?))
    }

    /// Asks the agent to stop, and listens a little longer to what it does then.
    fn stop(&mut self, signal: i32, session: &mut Session) -> Result<Ending> {
        self.say(message::interrupt("stop"))?;
        let deadline = Instant::now() + PATIENCE;
        while let Some(event) = self.next(Some(deadline)) {
            match event {
                Event::Said(message) => {
                    if self.hear(message, session)?.is_some() {
                        break;
                    }
                }
                Event::NotUnderstood(_) => {}
                Event::Closed | Event::Signal(_) => break,
            }
        }
        Ok(Ending::Stopped(signal))
    }

    /// Answers what is a question, records the rest; gives back the subtype if it was the result.
    fn hear(&mut self, message: Message, session: &mut Session) -> Result<Option<String>> {
        let subtype = match message {
            Message::ControlRequest { request_id, request } => {
                self.say(message::answer(&request_id, request))?;
                return Ok(None);
            }
            Message::ControlResponse { response: Response::Error { error } } => {
                eprintln!("warning: the agent refused what we asked: {error}");
                return Ok(None);
            }
            Message::Result(ref result) => Some(result.subtype.clone()),
            _ => None,
        };
        session.add(message)?;
        Ok(subtype)
    }

    /// Sends `line` to the agent, and starts one where there is none.
    fn say(&mut self, line: String) -> Result<()> {
        let agent = match self.agent.take() {
            Some(agent) => agent,
            None => {
                self.started += 1;
                Agent::start(&self.launch, self.started, self.sender.clone())?
            }
        };
        self.agent.insert(agent).say(line);
        Ok(())
    }

    /// What happens next, until `deadline`. What an agent says that is dismissed already is nobody's business.
    fn next(&self, deadline: Option<Instant>) -> Option<Event> {
        loop {
            let (from, event) = match deadline {
                Some(deadline) => self.events.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()?,
                None => self.events.recv().ok()?,
            };
            if from == self.started || matches!(event, Event::Signal(_)) {
                return Some(event);
            }
        }
    }

    /// Ends an agent that has closed its output.
    fn bury(&mut self) -> Result<ExitStatus> {
        self.agent.take().context("there is no agent")?.wait(PATIENCE)
    }

    /// Lets the agent end; one that does not is killed. A signal that comes meanwhile is given back.
    fn dismiss(&mut self) -> Result<Option<i32>> {
        let Some(mut agent) = self.agent.take() else { return Ok(None) };
        agent.hang_up();
        let deadline = Instant::now() + PATIENCE;
        let mut signal = None;
        while let Some(event) = self.next(Some(deadline)) {
            match event {
                Event::Said(_) | Event::NotUnderstood(_) => {}
                Event::Closed => break,
                Event::Signal(number) => {
                    signal = Some(number);
                    break;
                }
            }
        }
        agent.wait(deadline.saturating_duration_since(Instant::now()))?;
        Ok(signal)
    }

    /// After a session that failed: a pause, and another agent. A signal ends it, and is given back.
    fn rest(&mut self) -> Result<Option<i32>> {
        if let Some(signal) = self.dismiss()? {
            return Ok(Some(signal));
        }
        let deadline = Instant::now() + PAUSE;
        while let Some(event) = self.next(Some(deadline)) {
            if let Event::Signal(signal) = event {
                return Ok(Some(signal));
            }
        }
        Ok(None)
    }
}
