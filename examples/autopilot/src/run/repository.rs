//! What git says of the folder the agent works in.

use std::path::Path;
use std::process::{Command, Stdio};

pub struct Revision {
    pub commit: String,
    pub branch: Option<String>,
}

impl Revision {
    /// A folder without a commit, or a machine without git, is no error: its revision is unknown.
    pub fn of(folder: &Path) -> Self {
        let asked = Command::new("git")
            .args(["rev-parse", "HEAD", "--abbrev-ref", "HEAD"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output();
        match asked {
            Ok(said) if said.status.success() => Self::from_lines(&String::from_utf8_lossy(&said.stdout)),
            _ => Self::from_lines(""),
        }
    }

    /// The commit, and below it the branch: `HEAD` where there is none.
    fn from_lines(text: &str) -> Self {
        let mut lines = text.lines();
        Revision {
            commit: lines.next().unwrap_or("unknown").to_owned(),
            branch: lines.next().filter(|&branch| branch != "HEAD").map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detached_head_is_no_branch() {
        let on_branch = Revision::from_lines("0a1b\nmain\n");
        assert_eq!((on_branch.commit.as_str(), on_branch.branch.as_deref()), ("0a1b", Some("main")));
        assert_eq!(Revision::from_lines("0a1b\nHEAD\n").branch, None);
        assert_eq!(Revision::from_lines("").commit, "unknown");
    }
}
