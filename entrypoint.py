"""The Action's front door. Says at once that it is there; with arguments it is the command ``autoprof-ci``, without the Action."""

from __future__ import annotations

import sys

from autoprof_ci import __version__

if __name__ == "__main__":
    words = sys.argv[1:] or ["action"]
    if words == ["action"]:
        print(f"autoprof-ci {__version__}", flush=True)  # noqa: T201
    from autoprof_ci import cli

    sys.exit(cli.main(words))
