"""EDGE: from a side of a pair to a program file, by cargo, once for each text of its sources, arguments and compiler.

A build is made in a folder of its own and its program moved into place at the end, so that parallel tests never see half of
one; a lock keeps two of them from making the same.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from bench.pairs.pair import Build, Files, Pair, base_files, edited

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "pairs"
TIMEOUT_S = 300

_PROFILE = """[profile.release]
opt-level = 3
debug = "limited"
codegen-units = 1
lto = "thin"
"""


@cache
def compiler() -> str:
    """What the compiler says of itself: programs of another one are other programs."""
    return subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout


def baseline(pair: Pair) -> Path:
    """The base program, the same file for all pairs of it."""
    return built(pair.program, base_files(pair.program), Build())


def candidate(pair: Pair) -> Path:
    return built(pair.program, edited(base_files(pair.program), pair.edits), pair.build)


def digest(program: str, files: Files, build: Build) -> str:
    """Of all that a program file depends on."""
    described = json.dumps([program, sorted(files.items()), build.rustc, build.folder, _PROFILE, compiler()])
    return hashlib.sha256(described.encode()).hexdigest()[:20]


def identity(pair: Pair) -> str:
    """What is known of a pair holds for these two programs only."""
    files = base_files(pair.program)
    return f"{digest(pair.program, files, Build())}-{digest(pair.program, edited(files, pair.edits), pair.build)}"


def built(program: str, files: Files, build: Build) -> Path:
    """The program file of these sources. Raises `RuntimeError` with the compiler's words where there is none."""
    place = digest(program, files, build)
    finished = CACHE / "built" / place / program
    if finished.exists():
        return finished
    with _locked(CACHE / "locks" / place):
        if not finished.exists():
            _build(program, files, build, finished)
    return finished


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(program: str, files: Files, build: Build, finished: Path) -> None:
    work = CACHE / "work" / finished.parent.name / build.folder
    shutil.rmtree(work, ignore_errors=True)
    try:
        for path, text in {**files, **_manifests(program, files)}.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(text, encoding="utf-8")
        command = ["cargo", "rustc", "--release", "--offline", "--quiet", "--bin", program, "--", *build.rustc]
        environment = {**os.environ, "CARGO_TARGET_DIR": str(work / "target"), "RUSTFLAGS": "-Awarnings"}
        done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
        if done.returncode != 0:
            raise RuntimeError(f"{program} was not built: {done.stderr}")
        finished.parent.mkdir(parents=True, exist_ok=True)
        (work / "target/release" / program).replace(finished)
    finally:
        shutil.rmtree(CACHE / "work" / finished.parent.name, ignore_errors=True)


def _manifests(program: str, files: Files) -> Files:
    """Every folder with a library in it is a crate that the program depends on."""
    crates = sorted({path.partition("/src/")[0] for path in files if path.endswith("/src/lib.rs")})
    depends = "".join(f'{crate} = {{ path = "{crate}" }}\n' for crate in crates)
    workspace = f"[workspace]\nmembers = {json.dumps(crates)}\n"
    return {
        "Cargo.toml": f"{workspace}\n{_package(program)}\n[dependencies]\n{depends}\n{_PROFILE}",
        **{f"{crate}/Cargo.toml": _package(crate) for crate in crates},
    }


def _package(name: str) -> str:
    return f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2024"\npublish = false\n'
