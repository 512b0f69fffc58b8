"""What is handed into the measuring container: exactly what is named, and nothing that hides behind a name."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autoprof_ci.errors import AutoprofError, ConfigError, ProgramError, ToolError
from autoprof_ci.measure.plan import Identity, Plan, Program
from autoprof_ci.model import MeasureSettings, Workload
from autoprof_ci.sandbox import packing
from autoprof_ci.sandbox.job import inside

ELF = b"\x7fELF" + bytes(3000)


def plan_of(folder: Path, *inputs: str, program: Path | None = None, data: Path | None = None) -> Plan:
    binary = program or folder / "tool"
    if program is None:
        binary.write_bytes(ELF)
    return Plan(
        programs=(Program(label="candidate", binary=binary),),
        workloads=(Workload(name="w", command=("{binary}",), inputs=inputs),),
        settings=MeasureSettings(),
        data=data,
        config_folder=folder,
    )


def archive_of(plan: Plan) -> tarfile.TarFile:
    moved = inside(plan)
    data = b"".join(packing.tar(b"{}", packing.members(moved, plan)))
    return tarfile.open(fileobj=io.BytesIO(data), mode="r:")


def listing(plan: Plan) -> dict[str, str]:
    """Name -> what it is, as `ls -l` begins, and where a link leads."""
    with archive_of(plan) as archive:
        return {
            member.name: f"{'dl-'[(member.isdir(), member.issym(), True).index(True)]}{member.mode:o} {member.linkname}".strip()
            for member in archive
        }


def with_agent(plan: Plan, session: str) -> Plan:
    """With the player beside the program."""
    [workload] = plan.workloads
    player = plan.config_folder / "player-123"
    player.write_bytes(ELF)
    return replace(plan, workloads=(replace(workload, agent=session),), player=player)


def test_members__session_of_an_agent_and_what_plays_it(tmp_path: Path) -> None:
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions" / "a.jsonl").write_text("{}")
    (tmp_path / "sessions" / "b.jsonl").write_text("{}")
    plan = with_agent(plan_of(tmp_path), "sessions/a.jsonl")
    assert {name: what for name, what in listing(plan).items() if "agent" in name or "sessions" in name} == {
        "agent": "d755",
        "agent/player": "-755",
        "inputs/sessions": "d755",
        "inputs/sessions/a.jsonl": "-644",
    }
    moved = inside(plan).plan
    assert (moved.player, moved.workloads[0].agent) == (Path("/job/agent/player"), "sessions/a.jsonl")
    in_data = with_agent(plan_of(tmp_path), "{data}/agent/a.jsonl")
    assert not [name for name in listing(in_data) if name.startswith("inputs/")]


def test_members__session_that_is_somebody_else_s(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("token")
    (tmp_path / "a.jsonl").symlink_to(".git/config")
    (tmp_path / "b.jsonl").symlink_to("/etc/passwd")
    for session, reason in (("a.jsonl", "lies in a Git folder"), ("b.jsonl", "is outside of the folder")):
        with pytest.raises(ConfigError, match=f"agent: '{session}' {reason}"):
            listing(with_agent(plan_of(tmp_path), session))


def test_members__a_plan_s_files_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("token")
    (tmp_path / "cases" / "deep").mkdir(parents=True)
    (tmp_path / "cases" / "deep" / "a.txt").write_text("a")
    (tmp_path / "cases" / "run.sh").write_text("#!/bin/sh")
    (tmp_path / "cases" / "run.sh").chmod(0o4755)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "one.txt").write_text("1")
    (tmp_path / "other" / "two.txt").write_text("2")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "big").write_text("0")
    plan = plan_of(tmp_path, "cases", "other/one.txt", data=tmp_path / "data")
    assert listing(plan) == {
        "plan.json": "-600",
        "programs": "d700",
        "programs/0": "d755",
        "programs/0/0": "d755",
        "programs/0/0/tool": "-755",
        "inputs": "d700",
        "inputs/cases": "d755",
        "inputs/cases/deep": "d755",
        "inputs/cases/deep/a.txt": "-644",
        "inputs/cases/run.sh": "-755",
        "inputs/other": "d755",
        "inputs/other/one.txt": "-644",
        "data": "d755",
        "data/big": "-644",
    }


def test_members__contents_arrive(tmp_path: Path) -> None:
    (tmp_path / "odd \xe4\n name").write_bytes(os.urandom(3_000_000))
    (tmp_path / "empty").touch()
    plan = plan_of(tmp_path, "odd \xe4\n name", "empty")
    with archive_of(plan) as archive:
        assert archive.extractfile("inputs/odd \xe4\n name").read() == (tmp_path / "odd \xe4\n name").read_bytes()
        assert archive.extractfile("inputs/empty").read() == b""
        assert archive.extractfile("programs/0/0/tool").read() == ELF


def test_members__links_that_stay_inside_stay_links(tmp_path: Path) -> None:
    (tmp_path / "cases" / "deep").mkdir(parents=True)
    (tmp_path / "cases" / "a").write_text("a")
    (tmp_path / "cases" / "deep" / "up").symlink_to("../a")
    (tmp_path / "cases" / "deep" / "absolute").symlink_to(tmp_path / "cases" / "a")
    (tmp_path / "cases" / "folder").symlink_to("deep")
    found = listing(plan_of(tmp_path, "cases"))
    links = {name: what for name, what in found.items() if what.startswith("l")}
    assert links == {
        "inputs/cases/deep/up": "l777 ../a",
        "inputs/cases/deep/absolute": "l777 ../a",
        "inputs/cases/folder": "l777 deep",
    }


def test_members__an_input_that_is_itself_a_link_is_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "cases-2").mkdir()
    (tmp_path / "cases-2" / "a").write_text("a")
    (tmp_path / "cases").symlink_to("cases-2")
    found = listing(plan_of(tmp_path, "cases"))
    assert {name for name in found if name.startswith("inputs/")} == {"inputs/cases", "inputs/cases/a"}


def link_out(folder: Path) -> None:
    (folder / "cases" / "secrets").symlink_to("/etc")


def link_beside(folder: Path) -> None:
    (folder / "beside").write_text("x")
    (folder / "cases" / "up").symlink_to("../beside")


def link_nowhere(folder: Path) -> None:
    (folder / "cases" / "gone").symlink_to("nothing")


def link_circle(folder: Path) -> None:
    (folder / "cases" / "a").symlink_to("b")
    (folder / "cases" / "b").symlink_to("a")


def link_to_proc(folder: Path) -> None:
    (folder / "cases" / "environment").symlink_to("/proc/self/environ")


def fifo(folder: Path) -> None:
    os.mkfifo(folder / "cases" / "pipe")


def git(folder: Path) -> None:
    (folder / "cases" / ".git").mkdir()
    (folder / "cases" / ".git" / "config").write_text("extraheader = AUTHORIZATION: basic token")


@pytest.mark.parametrize(
    ("trap", "complaint"),
    [
        (link_out, "the link {folder}/cases/secrets leads out of {folder}/cases"),
        (link_beside, "the link {folder}/cases/up leads out of {folder}/cases"),
        (link_nowhere, "the link {folder}/cases/gone leads nowhere"),
        (link_circle, "the link {folder}/cases/a leads nowhere"),
        (link_to_proc, "the link {folder}/cases/environment leads out of {folder}/cases"),
        (fifo, "{folder}/cases/pipe is neither a file nor a folder nor a link"),
        (git, "{folder}/cases/.git may hold a token of this job"),
    ],
)
def test_members__traps_in_an_input_are_refused(tmp_path: Path, trap: Callable[[Path], None], complaint: str) -> None:
    (tmp_path / "cases").mkdir()
    trap(tmp_path)
    with pytest.raises(ConfigError) as caught:
        archive_of(plan_of(tmp_path, "cases"))
    assert caught.value.what == f"workload 'w', inputs: {complaint.format(folder=tmp_path)}"


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("../outside", "'../outside' is outside of the folder of the configuration"),
        ("/etc/passwd", "'/etc/passwd' is outside of the folder of the configuration"),
        ("missing", "'missing' does not exist in {folder}"),
        (".git", "'.git' lies in a Git folder, which may hold a token of this job"),
        (".git/config", "'.git/config' lies in a Git folder, which may hold a token of this job"),
        ("innocent", "'innocent' lies in a Git folder, which may hold a token of this job"),
        (".", "{folder}/.git may hold a token of this job"),
    ],
)
def test_members__inputs_that_are_not_to_be_had(tmp_path: Path, name: str, complaint: str) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("token")
    (tmp_path / "innocent").symlink_to(".git/config")
    with pytest.raises(ConfigError) as caught:
        archive_of(plan_of(tmp_path, name))
    assert caught.value.what == f"workload 'w', inputs: {complaint.format(folder=tmp_path)}"


def test_members__a_program_may_be_a_link_to_a_program(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "tool-1.2").write_bytes(ELF)
    (tmp_path / "linked").symlink_to("out/tool-1.2")
    plan = plan_of(tmp_path, program=tmp_path / "linked")
    with archive_of(plan) as archive:
        assert archive.extractfile("programs/0/0/linked").read() == ELF


@pytest.mark.parametrize(
    ("target", "complaint"),
    [
        (".git/config", "{folder}/.git/config is no native program: it does not begin like an ELF file"),
        ("/proc/self/environ", "/proc/{pid}/environ is no native program: it does not begin like an ELF file"),
        ("gone", "{folder}/gone cannot be read: No such file or directory"),
        ("pipe", "{folder}/pipe is no native program: it does not begin like an ELF file"),
    ],
)
def test_members__a_program_that_leads_elsewhere(tmp_path: Path, target: str, complaint: str) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("token")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "tool").symlink_to(target)
    with pytest.raises(ProgramError) as caught:
        archive_of(plan_of(tmp_path, program=tmp_path / "tool"))
    assert caught.value.what == complaint.format(folder=tmp_path, pid=os.getpid())


def shrink(file: Path) -> None:
    file.write_bytes(b"short")


def grow(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"more")


def swap(file: Path) -> None:
    file.unlink()
    file.symlink_to("/etc/shadow")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (shrink, "{file} changed while it was read"),
        (grow, "{file} changed while it was read"),
        (swap, "{file} cannot be read: Too many levels of symbolic links"),
    ],
)
def test_tar__a_file_changes_under_our_hands(tmp_path: Path, change: Callable[[Path], None], complaint: str) -> None:
    file = tmp_path / "input"
    file.write_bytes(bytes(5000))
    plan = plan_of(tmp_path, "input")
    packed = packing.members(inside(plan), plan)
    change(file)
    with pytest.raises(ToolError) as caught:
        list(packing.tar(b"{}", packed))
    assert caught.value.what == complaint.format(file=file)


def test_tar__a_program_is_exchanged_for_something_else(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    packed = packing.members(inside(plan), plan)
    (tmp_path / "tool").write_bytes(b"token" + ELF[5:])
    with pytest.raises(ToolError, match="changed while it was read"):
        list(packing.tar(b"{}", packed))


def test_tar__holds_no_file_in_memory(tmp_path: Path) -> None:
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", 200 << 20)
    plan = plan_of(tmp_path, "large")
    pieces = [len(piece) for piece in packing.tar(b"{}", packing.members(inside(plan), plan))]
    assert max(pieces) == packing.CHUNK_BYTES
    assert sum(pieces) > 200 << 20


def test_inside__paths_are_the_container_s_and_the_user_is_nobody(tmp_path: Path) -> None:
    program = Program(
        label="baseline",
        binary=tmp_path / "tool",
        extra_binaries={"helper": tmp_path / "bin" / "helper-1"},
        libraries={"libx.so.1": tmp_path / "lib" / "libx.so.1.2.3"},
    )
    plan = Plan(
        programs=(program, Program(label="candidate", binary=tmp_path / "new" / "tool")),
        workloads=(),
        settings=MeasureSettings(),
        data=tmp_path / "data",
        config_folder=tmp_path,
    )
    moved = inside(plan)
    assert moved.plan == Plan(
        programs=(
            Program(
                label="baseline",
                binary=Path("/job/programs/0/0/tool"),
                extra_binaries={"helper": Path("/job/programs/0/1/helper-1")},
                libraries={"libx.so.1": Path("/job/programs/0/libraries/libx.so.1")},
            ),
            Program(label="candidate", binary=Path("/job/programs/1/0/tool")),
        ),
        workloads=(),
        settings=MeasureSettings(),
        data=Path("/job/data"),
        config_folder=Path("/job/inputs"),
        identity=Identity(uid=65534, gid=65534, is_alone=True),
    )
    assert moved.files == {
        "programs/0/0/tool": tmp_path / "tool",
        "programs/0/1/helper-1": tmp_path / "bin" / "helper-1",
        "programs/0/libraries/libx.so.1": tmp_path / "lib" / "libx.so.1.2.3",
        "programs/1/0/tool": tmp_path / "new" / "tool",
    }


def test_members__errors_name_hostile_files_harmlessly(tmp_path: Path) -> None:
    (tmp_path / "cases").mkdir()
    os.mkfifo(tmp_path / "cases" / "\x1b[31m##[error]\nx")
    with pytest.raises(AutoprofError) as caught:
        archive_of(plan_of(tmp_path, "cases"))
    assert "\x1b" not in str(caught.value)
    assert "##[" not in str(caught.value)
    assert "\n" not in str(caught.value)
