"""What a release makes of a tag, tried on a repository of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from autoprof_ci import __version__
from tests.image import ROOT

IMAGE = "ghcr.io/owner/autoprof-ci@sha256:" + "ab" * 32
OTHER_IMAGE = "ghcr.io/owner/autoprof-ci@sha256:" + "cd" * 32
WHO = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}


class Repository:
    """A checkout with a remote of its own, and the script of this one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkout"
        self.git_in(folder, "init", "--quiet", "--bare", "remote")
        self.git_in(folder, "init", "--quiet", "--initial-branch=main", "checkout")
        self.git("remote", "add", "origin", str(folder / "remote"))
        for name in ("action.yml", "pyproject.toml", "Dockerfile", "README.md", "LICENSE", "CHANGELOG.md"):
            shutil.copy(ROOT / name, self.folder / name)
        (self.folder / "autoprof_ci").mkdir()
        shutil.copy(ROOT / "autoprof_ci" / "__init__.py", self.folder / "autoprof_ci")
        (self.folder / ".github" / "workflows").mkdir(parents=True)
        (self.folder / ".github" / "workflows" / "ci.yml").write_text("on: push\n", encoding="utf-8")

    def git_in(self, folder: Path, *words: str) -> str:
        return subprocess.run(
            ("git", "-C", str(folder), *words), capture_output=True, text=True, check=True, env=os.environ | WHO
        ).stdout.strip()

    def git(self, *words: str) -> str:
        return self.git_in(self.folder, *words)

    def tag(self, tag: str, readme: str) -> str:
        (self.folder / "README.md").write_text(readme, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", tag)
        self.git("tag", tag)
        return self.git("rev-parse", "HEAD")

    def release(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = (str(ROOT / "tools" / "release-action"), *words)
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, env=os.environ | WHO)

    def released(self, tag: str, image: str) -> str:
        done = self.release("commit", tag, image)
        assert (done.returncode, done.stderr) == (0, "")
        commit = done.stdout.strip()
        self.git("push", "--quiet", "--atomic", "origin", f"{commit}:refs/heads/releases/v1", f"+{commit}:refs/tags/v1")
        return commit


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_check__takes_the_version_of_the_package(repository: Repository) -> None:
    done = repository.release("check", f"v{__version__}")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{__version__}\n", "")


@pytest.mark.parametrize("name", ["pyproject.toml", "autoprof_ci/__init__.py", "Dockerfile"])
def test_check__refuses_a_version_that_one_file_does_not_know(repository: Repository, name: str) -> None:
    path = repository.folder / name
    path.write_text(path.read_text(encoding="utf-8").replace(f'"{__version__}"', '"77.0.0"'), encoding="utf-8")
    done = repository.release("check", f"v{__version__}")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{name} says 77.0.0" in done.stderr
    assert done.stderr.endswith("Correct the files in a commit, delete the tag, and set it again.\n")


@pytest.mark.parametrize("tag", ["0.1.0", "v1", "v0.1.0-rc1", "v01.0.0", "v٣.0.0", "", "v0.1.0\n"])
def test_check__refuses_what_is_no_version(repository: Repository, tag: str) -> None:
    done = repository.release("check", tag)
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        f"release-action: {tag!a} is no version. Write it as v1.2.3.\n",
    )


def test_point__changes_one_line(repository: Repository) -> None:
    before = (repository.folder / "action.yml").read_text(encoding="utf-8")
    assert repository.release("point", IMAGE).returncode == 0
    after = (repository.folder / "action.yml").read_text(encoding="utf-8")
    assert after.replace(f"docker://{IMAGE}", "Dockerfile") == before
    again = repository.release("point", IMAGE)
    assert (again.returncode, again.stderr) == (
        1,
        "release-action: action.yml has no line `image: Dockerfile`. Release from a commit whose action.yml has it.\n",
    )


@pytest.mark.parametrize("image", ["ghcr.io/owner/autoprof-ci:v1", "a@sha256:ab", IMAGE + "\n", IMAGE + " x", IMAGE.upper()])
def test_point__refuses_an_image_without_its_digest(repository: Repository, image: str) -> None:
    done = repository.release("point", image)
    assert (done.returncode, done.stdout) == (1, "")
    assert "names no image by its digest" in done.stderr


def test_commit__holds_what_a_runner_fetches_and_no_workflow(repository: Repository) -> None:
    source = repository.tag("v1.0.0", "first")
    commit = repository.released("v1.0.0", IMAGE)
    assert repository.git("ls-tree", "-r", "--name-only", commit).split() == [
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        "action.yml",
    ]
    assert f"  image: docker://{IMAGE}\n" in repository.git("show", f"{commit}:action.yml") + "\n"
    assert repository.git("log", "-1", "--format=%P|%B", commit) == f"|Release v1.0.0\n\nSource: {source}"
    assert "  image: Dockerfile" in repository.git("show", f"{source}:action.yml")


def test_commit__keeps_the_releases_before_it(repository: Repository) -> None:
    repository.tag("v1.0.0", "first")
    first = repository.released("v1.0.0", IMAGE)
    repository.tag("v1.1.0", "second")
    second = repository.released("v1.1.0", OTHER_IMAGE)
    assert repository.git("rev-parse", f"{second}^") == first
    assert repository.git("ls-remote", "origin", "refs/tags/v1").split()[0] == second


def test_commit__made_twice_is_the_same(repository: Repository) -> None:
    repository.tag("v1.0.0", "first")
    assert repository.released("v1.0.0", IMAGE) == repository.released("v1.0.0", IMAGE)


def test_commit__does_not_move_back(repository: Repository) -> None:
    repository.tag("v1.0.1", "a repair of an old version")
    repository.tag("v1.10.0", "new")
    repository.released("v1.10.0", IMAGE)
    done = repository.release("commit", "v1.0.1", OTHER_IMAGE)
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "\n",
        "release-action: releases/v1 is at a newer version already, so it stays there\n",
    )


def test_commit__of_a_tag_that_is_not_there(repository: Repository) -> None:
    done = repository.release("commit", "v1.0.0", IMAGE)
    assert done.returncode == 1
    assert done.stderr.startswith("release-action: git rev-parse failed: fatal: Needed a single revision")


def test_usage__is_said_for_anything_else(repository: Repository) -> None:
    done = repository.release("publish")
    assert (done.returncode, done.stdout) == (2, "")
    assert "release-action commit TAG IMAGE" in done.stderr
