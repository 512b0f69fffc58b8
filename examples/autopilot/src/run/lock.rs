//! One run at a time: `~/.autopilot/run.lock`.
//!
//! The kernel gives the lock back when its holder ends, however that happens. What is written in the file is only for people:
//! a run that comes after a killed one finds its number there and says so.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use nix::fcntl::{Flock, FlockArg};

pub struct RunLock {
    file: Flock<File>,
    path: PathBuf,
}

impl RunLock {
    pub fn take(home: &Path) -> Result<Self> {
        let folder = home.join(".autopilot");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let path = folder.join("run.lock");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.with_context(|| format!("cannot open {}", path.display()))?;
        let mut file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(file) => file,
            Err((mut file, _)) => bail!(
                "another run is going on (process {}): wait for it, or stop it",
                holder(&mut file).unwrap_or_else(|| "unknown".into())
            ),
        };
        if let Some(dead) = holder(&mut file) {
            eprintln!("warning: the run of process {dead} was killed; its lock is taken over");
        }
        file.set_len(0)?;
        file.rewind()?;
        write!(file, "{}", std::process::id())?;
        Ok(RunLock { file, path })
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // Emptied first: a run that has opened the file meanwhile must not take us for a killed one.
        let _ = self.file.set_len(0);
        let _ = fs::remove_file(&self.path);
    }
}

/// What a holder, this one or a dead one, wrote.
fn holder(file: &mut File) -> Option<String> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    let text = text.trim();
    if text.is_empty() { None } else { Some(text.to_owned()) }
}
