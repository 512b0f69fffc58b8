"""EDGE: reading the bundle that the user names. A module of its own, so that judging needs no reader of programs."""

from __future__ import annotations

from pathlib import Path

from autoprof_ci import bundle
from autoprof_ci.commands import files
from autoprof_ci.model import Bundle


def read(path: Path, what: str) -> Bundle:
    """`what` names it in a sentence ("the baseline bundle")."""
    return bundle.decode(files.read(path, what, bundle.MAX_BUNDLE_BYTES), source=str(path))
