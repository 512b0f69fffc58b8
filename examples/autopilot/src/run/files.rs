//! Where a session is recorded: `docs/logs/YYYYMMDD/HHMMSS-slug.json`, and the same with `.rlog`.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};

const SLUG_CHARACTERS: usize = 40;

pub struct SessionFiles {
    pub trajectory: PathBuf,
    pub log: File,
}

impl SessionFiles {
    /// Creates the log. Sessions that begin in the same second are numbered: none is written over another.
    pub fn create(output_dir: Option<&Path>, slug: &str, now: DateTime<Utc>) -> Result<Self> {
        let folder = match output_dir {
            Some(folder) => folder.to_path_buf(),
            None => Path::new("docs/logs").join(now.format("%Y%m%d").to_string()),
        };
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let name = format!("{}-{}", now.format("%H%M%S"), as_slug(slug));
        let mut number = 1;
        loop {
            let name = if number == 1 { name.clone() } else { format!("{name}-{number}") };
            let log_path = folder.join(format!("{name}.rlog"));
            match OpenOptions::new().write(true).create_new(true).open(&log_path) {
                Ok(log) => return Ok(SessionFiles { trajectory: folder.join(format!("{name}.json")), log }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error).with_context(|| format!("cannot write {}", log_path.display())),
            }
        }
    }
}

/// Letters, digits and single dashes, which is safe in a file name whatever the text is.
fn as_slug(text: &str) -> String {
    let mut slug = String::new();
    for letter in text.chars() {
        if slug.len() == SLUG_CHARACTERS {
            break;
        }
        if letter.is_ascii_alphanumeric() {
            slug.push(letter.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "session".into() } else { slug.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_safe_in_a_file_name() {
        assert_eq!(as_slug("Fix ../../the bug, please!"), "fix-the-bug-please");
        assert_eq!(as_slug("日本"), "session");
        assert_eq!(as_slug(&"ab ".repeat(40)), "ab-ab-ab-ab-ab-ab-ab-ab-ab-ab-ab-ab-ab-a");
    }

    #[test]
    fn sessions_of_one_second_have_files_of_their_own() {
        let folder = std::env::temp_dir().join(format!("autopilot-files-{}", std::process::id()));
        let now: DateTime<Utc> = "2026-03-01T10:20:30Z".parse().unwrap();
        let names: Vec<_> = (0..3)
            .map(|_| SessionFiles::create(Some(&folder), "x", now).unwrap().trajectory)
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(names, ["102030-x.json", "102030-x-2.json", "102030-x-3.json"]);
        fs::remove_dir_all(folder).unwrap();
    }
}
