"""Compiles what the Action imports: a container starts afresh each time, and would compile it each time.

Runs while the image is built, with the Python of the image: imports every module of ours, compares two sides of made-up folded
stacks for what is imported only then, and keeps the bytecode of exactly those modules. The comparison also tries the image out.
The bytecode never asks whether its source has changed, since in an image it cannot.
"""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
import tempfile
from pathlib import Path

import autoprof_ci
from autoprof_ci import cli

STACKS = "app;main;parse {}\napp;main;write {}\n"


def main() -> int:
    for module in pkgutil.walk_packages(autoprof_ci.__path__, "autoprof_ci."):
        try:
            importlib.import_module(module.name)
        except ImportError as error:  # for the tests to judge; the image starts without it
            print(f"not compiled: {module.name}: {error}")  # noqa: T201
    importlib.import_module("symbolic.debuginfo")  # by whoever measures, and only then
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for run in range(4):
            (folder / f"baseline{run}.folded").write_text(STACKS.format(1000 + run, 500 - run), encoding="utf-8")
            (folder / f"candidate{run}.folded").write_text(STACKS.format(2000 - run, 500 + run), encoding="utf-8")
        sides = [[str(folder / f"{side}{run}.folded") for run in range(4)] for side in ("baseline", "candidate")]
        words = ["compare", "--baseline", *sides[0], "--candidate", *sides[1], "--out", str(folder / "out")]
        code = cli.main(words)
        if code not in (0, 1) or not list((folder / "out").glob("charts/*.png")):
            print(f"the comparison that tries the image out failed with code {code}", file=sys.stderr)  # noqa: T201
            return 1
    sources = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    kept = sorted({source for source in sources if source and source.endswith(".py") and source.startswith(sys.prefix)})
    # In a process of its own the same source gives the same bytes, so that the layer of unchanged libraries stays the same.
    command = (sys.executable, "-m", "compileall", "-q", "-i", "-", "--invalidation-mode", "unchecked-hash")
    subprocess.run(command, input="\n".join(kept), text=True, check=True)
    print(f"compiled {len(kept)} modules")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
