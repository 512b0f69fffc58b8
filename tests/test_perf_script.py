from __future__ import annotations

from pathlib import Path

import pytest

from autoprof_ci.errors import DataError
from autoprof_ci.measure.perf_processes import STARTER
from autoprof_ci.measure.perf_script import Recorded, read_lines, self_weights, symbol_and_dso
from autoprof_ci.model import BINARY_DSO, KERNEL, Function, helper_row, unknown_row
from tests import golden

PROGRAM = "/stage/programs/a/acts"
DSOS = {PROGRAM: BINARY_DSO}
ROOT = b"10 PERF_RECORD_COMM exec: python:10/10\n10 PERF_RECORD_MMAP2 10/10: [0x1(0x1) @ 0 fe:00 1 0]: r-xp /usr/bin/python3\n"


def script(name: str) -> list[bytes]:
    return (golden.GOLDEN / "perf" / f"{name}.script").read_bytes().splitlines(keepends=True)


def executed(pid: int, path: str) -> bytes:
    mapping = f"{pid} PERF_RECORD_MMAP2 {pid}/{pid}: [0x1(0x1) @ 0 fe:00 1 0]: r-xp {path}\n"
    return f"{pid} PERF_RECORD_COMM exec: x:{pid}/{pid}\n{mapping}".encode()


def read(text: bytes) -> Recorded:
    return read_lines(text.splitlines(keepends=True))


@pytest.mark.parametrize("name", ["fork-exec", "threads", "unresolved", "truncated", "varying-period"])
def test_self_weights__real_recording(name: str) -> None:
    recorded = read_lines(script(name))
    rows = self_weights(recorded, DSOS)
    lines = [f"{weight:>12}  {row.name}  {row.dso}\n" for row, weight in sorted(rows.items())]
    head = f"samples {recorded.samples}, period {recorded.period}, unreadable {recorded.unreadable}\n"
    golden.check(Path("perf") / f"{name}.expected", head + "".join(lines))


def test_self_weights__fork_without_exec_is_still_the_program() -> None:
    text = ROOT + b"10 PERF_RECORD_FORK(11:11):(10:10)\n" + executed(11, PROGRAM) + b"11 PERF_RECORD_FORK(12:12):(11:11)\n"
    text += f"12 500 401000 work ({PROGRAM})\n".encode()
    assert self_weights(read(text), DSOS) == {Function("work", BINARY_DSO): 500}


def test_self_weights__starter_and_its_children_before_exec_are_nobodys() -> None:
    text = (
        ROOT + b"10 500 401000 run (/usr/bin/python3)\n10 PERF_RECORD_FORK(11:11):(10:10)\n11 500 401000 run (/usr/bin/python3)\n"
    )
    recorded = read(text + b"9 500 401000 before (/usr/bin/perf)\n")
    assert self_weights(recorded, DSOS) == {}
    assert sum(recorded.weights[STARTER].values()) == 1500


def test_self_weights__python_as_a_helper_is_not_the_starter() -> None:
    text = ROOT + b"10 PERF_RECORD_FORK(11:11):(10:10)\n" + executed(11, PROGRAM)
    text += (
        b"11 PERF_RECORD_FORK(12:12):(11:11)\n" + executed(12, "/usr/bin/python3") + b"12 500 401000 agent (/usr/bin/python3)\n"
    )
    assert self_weights(read(text), DSOS) == {helper_row("python3"): 500}


def test_self_weights__samples_between_exec_and_its_first_mapping_count_for_what_it_becomes() -> None:
    text = ROOT + b"10 PERF_RECORD_FORK(11:11):(10:10)\n11 PERF_RECORD_COMM exec: acts:11/11\n"
    text += b"11 500 ffffffff81000000 load_elf ([kernel.kallsyms])\n"
    text += f"11 PERF_RECORD_MMAP2 11/11: [0x1(0x1) @ 0 fe:00 1 0]: r-xp {PROGRAM}\n".encode()
    assert self_weights(read(text), DSOS) == {KERNEL: 500}


def test_self_weights__exec_that_is_never_mapped_is_a_helper_by_its_name() -> None:
    text = ROOT + b"10 PERF_RECORD_FORK(11:11):(10:10)\n11 PERF_RECORD_COMM exec: git:11/11\n"
    assert self_weights(read(text + b"11 500 ffffffff81000000 x ([kernel])\n"), DSOS) == {helper_row("git"): 500}


def test_self_weights__process_id_used_again() -> None:
    text = ROOT + b"10 PERF_RECORD_FORK(11:11):(10:10)\n" + executed(11, PROGRAM) + f"11 500 401 a ({PROGRAM})\n".encode()
    text += b"10 PERF_RECORD_FORK(11:11):(10:10)\n" + executed(11, "/usr/bin/git") + b"11 500 401 b (/usr/bin/git)\n"
    assert self_weights(read(text), DSOS) == {Function("a", BINARY_DSO): 500, helper_row("git"): 500}


def test_self_weights__extra_binary_keeps_its_name_and_libraries_theirs() -> None:
    extra = "/stage/programs/a/actsd"
    text = ROOT + b"10 PERF_RECORD_FORK(11:11):(10:10)\n" + executed(11, extra)
    text += f"11 500 401 serve ({extra})\n11 500 402 qsort (/lib/libc.so.6 (deleted))\n11 500 403 [unknown] (//anon)\n".encode()
    assert self_weights(read(text), {**DSOS, extra: "actsd"}) == {
        Function("serve", "actsd"): 500,
        Function("qsort", "libc.so.6"): 500,
        unknown_row("[anon]"): 500,
    }


def test_self_weights__names_that_become_equal_are_summed() -> None:
    text = ROOT + b"10 PERF_RECORD_FORK(11:11):(10:10)\n" + executed(11, PROGRAM)
    text += f"11 500 401 work.constprop.0 ({PROGRAM})\n11 700 402 work ({PROGRAM})\n".encode()
    recorded = read(text)
    assert self_weights(recorded, DSOS) == {Function("work", BINARY_DSO): 1200}
    assert recorded.period is None


def test_read_lines__unreadable_lines_are_counted() -> None:
    recorded = read(ROOT + b"what is this\n\n10 x 401 a (b)\n10 500 401 cut (/usr/bi")
    assert (recorded.samples, recorded.unreadable) == (0, 3)


def test_read_lines__too_many_unreadable_lines_are_fatal() -> None:
    with pytest.raises(DataError, match="11 of the 13 lines"):
        read(ROOT + b"what is this\n" * 11)


def test_symbol_and_dso__deleted_file() -> None:
    assert symbol_and_dso(b"memcpy (/lib/x.so (deleted))\n") == ("memcpy", "/lib/x.so")
