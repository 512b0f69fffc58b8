//! The offline commands of a command-line agent: look at recorded sessions, keep a list of issues.

mod aggregate;
mod analyze;
mod cli;
mod compare;
mod issues;
mod redact;
mod replay;
mod store;
mod text;
mod trajectory;

use anyhow::Result;
use clap::Parser;

use crate::cli::{Cli, Command};

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Analyze { path, aggregate, json } => analyze::run(&path, aggregate, json),
        Command::Replay { trajectory, mode } => replay::run(&trajectory, mode),
        Command::Compare { first, second } => compare::run(&first, &second),
        Command::Issue { command } => issues::run(command),
    }
}
