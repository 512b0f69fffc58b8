"""EDGE: what kind of project this folder holds and which program its build makes, as far as its own files tell."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import tomli

from autoprof_ci.commands.repository import default_branch
from autoprof_ci.starting_files import Project, ProjectKind


def recognise(folder: Path, binary: str | None) -> Project | None:
    """The project in `folder`; `binary` overrides what is found. ``None`` where nothing says which program to measure."""
    kind = _kind(folder)
    found = _binaries(kind, folder)
    first = binary or (found[0] if found else None)
    if first is None:
        return None
    others = () if binary else found[1:]
    return Project(kind=kind, binary=first, extra_binaries=others, base_branch=default_branch(folder) or "main")


def _binaries(kind: ProjectKind, folder: Path) -> tuple[str, ...]:
    if kind is ProjectKind.CARGO:
        return _cargo_binaries(folder)
    if kind is ProjectKind.CMAKE:
        return _cmake_binaries(folder)
    return _go_binaries(folder) if kind is ProjectKind.GO else ()


def _kind(folder: Path) -> ProjectKind:
    for name, kind in (("Cargo.toml", ProjectKind.CARGO), ("CMakeLists.txt", ProjectKind.CMAKE), ("go.mod", ProjectKind.GO)):
        if (folder / name).exists():
            return kind
    return ProjectKind.OTHER


def _cargo_binaries(folder: Path) -> tuple[str, ...]:
    """The programs of the first package that has any, as cargo itself says; without cargo, as the package is called."""
    command = ["cargo", "metadata", "--no-deps", "--format-version", "1", "--offline"]
    try:
        answer = subprocess.run(command, cwd=folder, capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return _cargo_package(folder)
    if answer.returncode != 0:
        return _cargo_package(folder)
    metadata = json.loads(answer.stdout)
    target = Path(metadata["target_directory"])
    release = target.relative_to(folder.resolve()) if target.is_relative_to(folder.resolve()) else Path("target")
    preferred = set(metadata.get("workspace_default_members", ()))
    for package in sorted(metadata["packages"], key=lambda package: package["id"] not in preferred):
        names = [target["name"] for target in package["targets"] if "bin" in target["kind"]]
        if names:
            # the program that is called like its package comes first
            names.sort(key=lambda name: name != package["name"])
            return tuple(str(release / "release" / name) for name in names)
    return ()


def _cargo_package(folder: Path) -> tuple[str, ...]:
    try:
        package = tomli.loads((folder / "Cargo.toml").read_text(encoding="utf-8")).get("package", {})
    except (OSError, ValueError):
        return ()
    return (f"target/release/{package['name']}",) if isinstance(package.get("name"), str) else ()


def _cmake_binaries(folder: Path) -> tuple[str, ...]:
    text = (folder / "CMakeLists.txt").read_text(encoding="utf-8", errors="replace")
    return tuple(f"build/{name}" for name in re.findall(r"add_executable\s*\(\s*([A-Za-z0-9_.-]+)", text, re.IGNORECASE))


def _go_binaries(folder: Path) -> tuple[str, ...]:
    text = (folder / "go.mod").read_text(encoding="utf-8", errors="replace")
    module = re.search(r"^module\s+(\S+)", text, re.MULTILINE)
    return (module[1].rpartition("/")[2],) if module else ()
