"""Tiny programs that tests measure. `built` compiles one once for a test run."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent


@functools.cache
def built(name: str, *options: str) -> Path:
    """The program compiled from ``NAME.c``; `options` go to the C compiler."""
    folder = Path(tempfile.mkdtemp(prefix="autoprof-test-programs-"))
    program = folder / name
    source = HERE / f"{name}.c"
    subprocess.run(["cc", "-O1", "-g", "-pthread", *options, "-o", str(program), str(source)], check=True)
    return program
