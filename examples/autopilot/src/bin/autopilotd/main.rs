//! The daemon: keeps one `autopilot run --full-auto` alive, and stops it cleanly.

mod config;
mod control;
mod supervisor;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::config::Config;
use crate::control::Request;

#[derive(Parser)]
#[command(name = "autopilotd", version, about = "Keeps an autopilot working")]
struct Cli {
    /// A TOML file; without one: the autopilot beside this program, and files in ~/.autopilot
    #[arg(long)]
    config: Option<PathBuf>,
    /// The folder the worker works in
    #[arg(long)]
    workdir: Option<PathBuf>,
    /// The name of the worker's recordings
    #[arg(long)]
    project: Option<String>,
    #[arg(long)]
    model: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Copy, Subcommand)]
enum Command {
    /// Run in the foreground until stopped (this is what happens without a command)
    Start,
    /// Stop the daemon that is running
    Stop,
    /// Say what the daemon that is running does
    Status,
    /// Stop the worker and start another one
    RestartWorker,
    /// Stop the worker until it is restarted
    StopWorker,
}

fn main() -> ExitCode {
    match execute(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn execute(cli: Cli) -> Result<()> {
    let mut config = Config::load(cli.config.as_deref())?;
    if let Some(folder) = cli.workdir {
        config.working_dir = folder;
    }
    if let Some(model) = cli.model {
        config.model = model;
    }
    let request = match cli.command.unwrap_or(Command::Start) {
        Command::Start => return supervisor::run(&config, cli.project.as_deref()),
        Command::Stop => Request::Stop,
        Command::Status => Request::Status,
        Command::RestartWorker => Request::RestartWorker,
        Command::StopWorker => Request::StopWorker,
    };
    println!("{}", control::ask(&config.socket_path, request)?);
    Ok(())
}
