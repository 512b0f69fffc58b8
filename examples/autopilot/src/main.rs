//! A command-line agent: runs sessions and records them, looks at recorded ones, keeps a list of issues.

mod aggregate;
mod analyze;
mod cli;
mod compare;
mod issues;
mod redact;
mod replay;
mod run;
mod store;
mod text;
mod trajectory;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    match execute(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command) -> Result<ExitCode> {
    match command {
        Command::Run(options) => return run::run(&options),
        Command::Analyze { path, aggregate, json } => analyze::run(&path, aggregate, json)?,
        Command::Replay { trajectory, mode } => replay::run(&trajectory, mode)?,
        Command::Compare { first, second } => compare::run(&first, &second)?,
        Command::Issue { command } => issues::run(command)?,
    }
    Ok(ExitCode::SUCCESS)
}
