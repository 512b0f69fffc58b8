"""The Action's front door: says at once that it is there. With arguments it is the command ``autoprof-ci`` and no Action."""

from __future__ import annotations

import signal
import sys

from autoprof_ci import __version__


def stop(*_: object) -> None:
    """For the moment until the command line listens to signals itself."""
    print("autoprof-ci: Interrupted before anything was measured.", file=sys.stderr)  # noqa: T201
    sys.exit(130)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    words = sys.argv[1:] or ["action"]
    if words == ["action"]:
        print(f"autoprof-ci {__version__}")  # noqa: T201

    from autoprof_ci import cli

    sys.exit(cli.main(words))
