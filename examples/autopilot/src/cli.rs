//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

#[derive(Parser)]
#[command(name = "autopilot", version, about = "Runs an agent, looks at recorded sessions, keeps a list of issues")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Let an agent work, and record what it does
    Run(RunOptions),
    /// Analyze trajectory metrics
    Analyze {
        /// A trajectory file, or a folder of them
        path: PathBuf,
        /// One summary over all files of the folder
        #[arg(long)]
        aggregate: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a saved trajectory
    Replay {
        trajectory: PathBuf,
        #[arg(short, long, value_enum, default_value = "list")]
        mode: ReplayMode,
    },
    /// Compare two trajectories side by side
    Compare { first: PathBuf, second: PathBuf },
    /// Manage issues
    Issue {
        #[command(subcommand)]
        command: IssueCommand,
    },
}

#[derive(Args)]
pub struct RunOptions {
    /// What the agent is to do
    #[arg(required_unless_present = "full_auto")]
    pub prompt: Option<String>,
    /// The folder the agent works in
    #[arg(long, default_value = ".")]
    pub cwd: PathBuf,
    /// Which agent: the executable of that name is looked up on PATH
    #[arg(long, value_enum, default_value = "claude")]
    pub agent: AgentName,
    #[arg(long, default_value = "sonnet")]
    pub model: String,
    /// The agent stops after this many turns
    #[arg(long, default_value_t = 9999)]
    pub max_turns: u32,
    /// The agent stops when it has cost this many US dollars
    #[arg(long)]
    pub max_budget: Option<f64>,
    /// Where the recordings go [default: docs/logs/YYYYMMDD]
    #[arg(long)]
    pub output_dir: Option<PathBuf>,
    /// The name of the recordings, after the time of day [default: the first words of the prompt]
    #[arg(long)]
    pub slug: Option<String>,
    /// Print what would be started, and start nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print every step
    #[arg(long)]
    pub verbose: bool,
    /// Give the agent the next issue that is ready, and mark it done afterwards
    #[arg(long)]
    pub with_issues: bool,
    /// Path to the issues database
    #[arg(long, default_value = "autopilot.db")]
    pub issues_db: PathBuf,
    /// Prompt the agent again whenever a session ends, until stopped
    #[arg(long)]
    pub full_auto: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AgentName {
    Claude,
    Codex,
}

impl AgentName {
    pub fn executable(self) -> &'static str {
        match self {
            AgentName::Claude => "claude",
            AgentName::Codex => "codex",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReplayMode {
    List,
    Summary,
}

#[derive(Args)]
pub struct Database {
    /// Path to the issues database
    #[arg(long, default_value = "autopilot.db")]
    pub db: PathBuf,
}

#[derive(Subcommand)]
pub enum IssueCommand {
    /// List issues
    List {
        #[arg(short, long)]
        status: Option<String>,
        #[command(flatten)]
        database: Database,
    },
    /// Create an issue
    Create {
        title: String,
        #[arg(short, long)]
        description: Option<String>,
        #[arg(short, long, default_value = "medium")]
        priority: String,
        #[arg(short = 't', long, default_value = "task")]
        issue_type: String,
        #[arg(short, long, default_value = "claude")]
        agent: String,
        #[command(flatten)]
        database: Database,
    },
    /// Claim an issue for a run
    Claim {
        number: i64,
        #[arg(short, long)]
        run_id: Option<String>,
        #[command(flatten)]
        database: Database,
    },
    /// Mark an issue as done
    Complete {
        number: i64,
        #[command(flatten)]
        database: Database,
    },
    /// Block an issue
    Block {
        number: i64,
        reason: String,
        #[command(flatten)]
        database: Database,
    },
    /// Print the next issue that can be worked on
    Ready {
        #[arg(short, long)]
        agent: Option<String>,
        #[command(flatten)]
        database: Database,
    },
    /// Write issues to a JSON file
    Export {
        #[arg(short, long)]
        output: PathBuf,
        #[arg(long)]
        include_completed: bool,
        #[command(flatten)]
        database: Database,
    },
    /// Read issues from a JSON file
    Import {
        #[arg(short, long)]
        input: PathBuf,
        /// Update issues that are there already
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        database: Database,
    },
}
