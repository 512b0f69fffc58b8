//! The control socket: one JSON line asks, one answers.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

/// How long either side waits for the other one's line. Longer than a worker may take to stop.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    Status,
    Stop,
    RestartWorker,
    StopWorker,
}

/// Somebody who waits for an answer.
pub struct Caller(UnixStream);

impl Caller {
    pub fn answer(mut self, sentence: &str) {
        // A caller that is gone wants no answer.
        let _ = self.0.write_all(format!("{}\n", serde_json::json!(sentence)).as_bytes());
    }
}

/// Listens at `path`; every request is told. A socket that nobody listens at, left by a daemon that was killed, is replaced.
pub fn listen(path: &Path, tell: impl Fn(Request, Caller) + Clone + Send + 'static) -> Result<()> {
    if UnixStream::connect(path).is_ok() {
        bail!("a daemon is running already, and listens at {}: stop it first", path.display());
    }
    let _ = fs::remove_file(path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let listener = UnixListener::bind(path).with_context(|| format!("cannot listen at {}", path.display()))?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let tell = tell.clone();
            // Each in a thread of its own: one who connects and is silent keeps nobody waiting.
            thread::spawn(move || match read_request(&stream) {
                Ok(request) => tell(request, Caller(stream)),
                Err(error) => Caller(stream).answer(&format!("not understood: {error:#}")),
            });
        }
    });
    Ok(())
}

fn read_request(stream: &UnixStream) -> Result<Request> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

/// What the daemon that listens at `path` answers.
pub fn ask(path: &Path, request: Request) -> Result<String> {
    let Ok(mut stream) = UnixStream::connect(path) else {
        bail!("no daemon is running: nobody listens at {}", path.display());
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{}\n", serde_json::to_string(&request)?).as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).context("the daemon does not answer")?;
    serde_json::from_str(&line).context("the daemon ended before it answered")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_told_and_its_answer_comes_back() {
        let folder = std::env::temp_dir().join(format!("autopilotd-control-{}", std::process::id()));
        let path = folder.join("sock");
        let nobody = ask(&path, Request::Status).unwrap_err().to_string();
        assert_eq!(nobody, format!("no daemon is running: nobody listens at {}", path.display()));
        listen(&path, |request, caller| caller.answer(&format!("heard {request:?}"))).unwrap();
        assert_eq!(ask(&path, Request::RestartWorker).unwrap(), "heard RestartWorker");
        assert!(listen(&path, |_, _| ()).unwrap_err().to_string().starts_with("a daemon is running already"));
        fs::remove_dir_all(folder).unwrap();
    }
}
