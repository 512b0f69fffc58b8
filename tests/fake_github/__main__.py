"""``python -m tests.fake_github --port P --state FOLDER``: prints its URL and serves until it is interrupted."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

from tests.fake_github.server import FakeGithub


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fake_github", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument(
        "--state", type=Path, help="folder that is kept up to date with comments, artifacts, statuses, refs and the log"
    )
    parser.add_argument("--dialect", choices=("github", "act"), default="github", help="whose artifact service to play")
    given = parser.parse_args()
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with FakeGithub(port=given.port, state_folder=given.state, dialect=given.dialect) as fake:
        print(fake.url, flush=True)
        stopped.wait()


if __name__ == "__main__":
    main()
