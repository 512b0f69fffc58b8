"""The quick start as a new user tries it: some other Rust program, `autoprof-ci init`, a pull request that adds the two files, a
push to main, a pull request that makes the program slower. By act, with the workflow that `init` wrote.
"""

from __future__ import annotations

import os
import random
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.act import Project, project

pytestmark = [pytest.mark.needs("act", "docker-engine", "cargo", "valgrind"), pytest.mark.slow]

CARGO = '[package]\nname = "wordcount"\nversion = "0.1.0"\nedition = "2021"\n'
PLAIN = "word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()"
SLOW = "word.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_lowercase().to_string()).collect::<Vec<_>>().concat()"
SOURCE = """
use std::collections::HashMap;

#[inline(never)]
fn normalise(word: &str) -> String {
    NORMALISE
}

#[inline(never)]
fn count(text: &str) -> HashMap<String, usize> {
    let mut seen = HashMap::new();
    for word in text.split_whitespace() {
        *seen.entry(normalise(word)).or_insert(0) += 1;
    }
    seen
}

fn main() {
    let path = std::env::args().nth(1).expect("usage: wordcount FILE");
    let text = std::fs::read_to_string(&path).expect("readable");
    let mut rows: Vec<_> = count(&text).into_iter().collect();
    rows.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    for (word, n) in rows.iter().take(20) {
        println!("{n:>8} {word}");
    }
}
"""
EDITS = {
    'name = "first"': 'name = "count"',
    'command = ["{binary}", "--help"]': 'command = ["{binary}", "bench/input.txt"]',
    '#inputs = ["bench/input.json"]': 'inputs = ["bench/input.txt"]',
}
"""What the file asks for."""
QUICK = "\n[measure]\nruns = 4\nmin_run_seconds = 0.1\n"


def text() -> str:
    chance = random.Random(1)
    words = ["".join(chance.choice("abcdefghij") for _ in range(chance.randint(2, 9))).capitalize() for _ in range(500)]
    return "\n".join(" ".join(chance.choice(words) for _ in range(12)) for _ in range(500)) + "\n"


def cargo_build(here: Project, change: str) -> None:
    """As the workflow's own build step does it, with its environment."""
    (here.checkout / "src" / "main.rs").write_text(SOURCE.replace("NORMALISE", change), encoding="utf-8")
    workflow = yaml.safe_load((here.checkout / ".github" / "workflows" / "autoprof.yml").read_text(encoding="utf-8"))
    [build] = [each for each in workflow["jobs"]["autoprof"]["steps"] if "run" in each]
    target = {"CARGO_TARGET_DIR": str(here.tmp / "target")}
    subprocess.run(shlex.split(build["run"]), cwd=here.checkout, env=os.environ | build["env"] | target, check=True)
    here.build(here.tmp / "target" / "release" / "wordcount")


def headline(here: Project, number: int) -> str:
    """Of the one comment there is."""
    [comment] = here.repository.comments(number)
    return next(line for line in str(comment["body"]).splitlines() if line.startswith("### "))


def test_quick_start__another_program_from_init_to_the_first_red_comment(tmp_path: Path) -> None:
    with project(tmp_path, "someone/wordcount") as here:
        here.write("Cargo.toml", CARGO)
        here.write("src/main.rs", SOURCE.replace("NORMALISE", PLAIN))
        here.write("bench/input.txt", text())
        init = [sys.executable, "-m", "autoprof_ci.cli", "init"]
        said = subprocess.run(init, cwd=here.checkout, capture_output=True, text=True, check=True).stdout
        settings = (here.checkout / "autoprof.toml").read_text(encoding="utf-8")
        for before, after in EDITS.items():
            assert settings.count(before) == 1, before
            settings = settings.replace(before, after)
        (here.checkout / "autoprof.toml").write_text(settings + QUICK, encoding="utf-8")
        cargo_build(here, PLAIN)

        here.repository.pull(1, here.repository.commit("add autoprof", parents=(here.head,)))
        adding = here.run("pull_request", "autoprof", pull=1)
        for path in ("autoprof.toml", ".github/workflows/autoprof.yml"):
            here.write(path, (here.checkout / path).read_text(encoding="utf-8"))
        recorded = here.run("push", "autoprof")
        here.repository.pull(2, here.repository.commit("also words with marks inside", parents=(here.head,)))
        cargo_build(here, SLOW)
        red = here.run("pull_request", "autoprof", pull=2)

        assert said.startswith("wrote autoprof.toml\nwrote .github/workflows/autoprof.yml\n")
        assert (adding.code, recorded.code, red.code) == (0, 0, 1), adding.log + recorded.log + red.log
        assert headline(here, 1) == "### ⚪ First run: no baseline yet to compare `wordcount` with."
        assert headline(here, 2).startswith("### 🔴 `wordcount` ")
        assert "`wordcount::normalise`" in headline(here, 2)
