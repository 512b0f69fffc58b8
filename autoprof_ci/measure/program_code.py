"""EDGE: the machine code of what was seen running in the programs of a session, from their files.

Knows which file of a program is which dso, and that a program which cannot be read costs evidence and nothing else. Knows no
machine code: that is `machine_code`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoprof_ci.machine_code import KnownProgram, ProgramFile, UnreadableError, known_code
from autoprof_ci.measure.plan import Program
from autoprof_ci.measure.staging import Stage
from autoprof_ci.measure.time_runs import dsos
from autoprof_ci.model import Caveat, CaveatCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A program, and dso and raw name of all that was seen running in its own files."""

    program: Program
    symbols: frozenset[tuple[str, str]]


def code_of(stage: Stage, seen: Sequence[Seen]) -> tuple[Mapping[str, KnownProgram], tuple[Caveat, ...]]:
    """Label -> what is known of its functions' code. Where a file cannot be read nothing is known, and the caveat says why."""
    try:
        found = known_code([tuple(_files(stage, one)) for one in seen])
    except UnreadableError as error:
        return {}, (Caveat(code=CaveatCode.MACHINE_CODE_UNAVAILABLE, detail=str(error)),)
    return {one.program.label: program for one, program in zip(seen, found, strict=True)}, ()


def _files(stage: Stage, seen: Seen) -> Iterable[ProgramFile]:
    for path, dso in dsos(stage, seen.program).items():
        symbols = frozenset(symbol for of, symbol in seen.symbols if of == dso)
        if symbols:
            yield ProgramFile(dso=dso, data=Path(path).read_bytes(), symbols=symbols)
