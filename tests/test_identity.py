"""Programs that run as another user: what they are, what they can do, and what is done about what they leave."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from autoprof_ci.errors import ConfigError, DataError, ToolError
from autoprof_ci.measure import runner
from autoprof_ci.measure.callgrind_folder import MAX_FILE_BYTES, of_processes, whole
from autoprof_ci.measure.failures import check_results
from autoprof_ci.measure.limit import Limit
from autoprof_ci.measure.plan import BASELINE, CANDIDATE, Identity, Plan, Program
from autoprof_ci.measure.reach import Reach, reach
from autoprof_ci.measure.removal import remove_tree
from autoprof_ci.measure.runner import Start
from autoprof_ci.measure.session import measure
from autoprof_ci.measure.staging import Stage
from autoprof_ci.model import Instrument, MeasureSettings, Workload
from tests.programs import built

pytestmark = [
    pytest.mark.needs("cc"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a program as somebody else"),
]

NOBODY = Identity(uid=65534, gid=65534)
PRIVATE = 0o700


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One that other users can enter: what pytest gives is ours alone."""
    for step in (tmp_path, *tmp_path.parents):
        if step.owner() == "root" and not step.stat().st_mode & stat.S_IXOTH:
            step.chmod(0o711)
    return tmp_path


def plan(folder: Path, workload: Workload, data: Path | None = None, name: str = "spy") -> Plan:
    programs = (Program(label=BASELINE, binary=built(name)), Program(label=CANDIDATE, binary=built(name)))
    settings = MeasureSettings(runs=4, min_run_s=0.05)
    return Plan(programs=programs, workloads=(workload,), settings=settings, data=data, config_folder=folder, identity=NOBODY)


def said_by(stage: Stage, workload: Workload) -> str:
    """Its standard output, which is otherwise only digested: it is sent where errors go."""
    program = stage.plan.judged
    with stage.prepare(program, workload, 1, stage.lanes[0]) as starts:
        return said(stage, starts)


def said(stage: Stage, starts: tuple[Start, ...]) -> str:
    results = stage.run(starts, log_folder=stage.lanes[0].logs)
    check_results(starts, results, "here")
    return results[0].stderr_tail


def shouting(*words: str) -> Workload:
    return Workload(name="w", command=("sh", "-c", 'exec "$0" "$@" >&2', "{binary}", *words))


def test_identity__nobody_without_any_right(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    workload = shouting("who")
    with (folder / "open").open("w") as ours, Stage(plan(folder, workload)) as stage:
        os.set_inheritable(ours.fileno(), True)
        lines = said_by(stage, workload).splitlines()
    nothing = "0" * 16
    assert [line for line in lines if not line.startswith("env ")] == [
        "uids 65534 65534 65534",
        "gids 65534 65534 65534",
        "groups 0",
        *(f"Cap{kind}:\t{nothing}" for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")),
        "NoNewPrivs:\t1",
        "umask 22",
        "core 0",
        "back to root refused",
        "files 0 1 2",
    ]
    names = {line.removeprefix("env ") for line in lines if line.startswith("env ")} - {"PWD", "OLDPWD", "SHLVL", "_"}
    assert names == {"PATH", "LANG", "TZ", "HOME", "TMPDIR", "AUTOPROF_PADDING"}


def test_identity__writes_only_what_is_its_own(folder: Path) -> None:
    secret = folder / "secret"
    secret.write_text("token")
    secret.chmod(0o600)
    data = folder / "data"
    data.mkdir(mode=PRIVATE)
    (data / "corpus").write_text("words")
    (folder / "given").mkdir()
    (folder / "given" / "input").write_text("x")
    workload = Workload(name="w", command=("true", "{data}"), inputs=("given",))
    with Stage(plan(folder, workload, data)) as stage, stage.prepare(stage.plan.judged, workload, 1, stage.lanes[0]) as (start,):
        lane, own = stage.lanes[0], start.cwd.parent
        others = [*stage.files(stage.plan.programs[0]).values(), *stage.files(stage.plan.programs[1]).values()]
        shared = Path(start.argv[1])
        for log in ("run.data", "job.json", "results.json"):
            (lane.logs / log).touch()
        places = {
            **dict.fromkeys((own / "work", own / "home", own / "scratch", own / "work" / "given"), "rlcm"),
            own / "work" / "given" / "input": "rwm",
            **dict.fromkeys(others, "r"),
            shared: "rl",
            shared / "corpus": "r",
            **dict.fromkeys((stage.folder, stage.programs, lane.folder, lane.counts, lane.starts, own, others[0].parent), "-"),
            **dict.fromkeys((lane.logs, lane.logs / "run.data", lane.logs / "job.json", lane.logs / "results.json"), "-"),
            **dict.fromkeys((secret, data, Path("/root"), Path("/etc/shadow")), "-"),
        }
        argv = (str(others[1]), "tries", *map(str, places))
        tries = Start(argv=("/bin/sh", "-c", 'exec "$0" "$@" >&2', *argv), env={}, cwd=start.cwd, identity=NOBODY)
        lines = said(stage, (tries,)).splitlines()
    found = {path: done for done, path in (line.split(" ", 1) for line in lines)}
    # A folder can be "read" by opening it, which says no more than that it can be listed.
    expected = {str(path): done.replace("rl", "l") for path, done in places.items()}
    of_processes = {path: done for path, done in found.items() if path.startswith("/proc")}
    assert {path: done for path, done in found.items() if path not in of_processes} == expected
    assert len(of_processes) == 5 and set(of_processes.values()) == {"-"}


def test_identity__cannot_hurt_who_started_it(folder: Path) -> None:
    workload = shouting("assault")
    with Stage(plan(folder, workload)) as stage:
        refused = "Operation not permitted"
        assert said_by(stage, workload).splitlines()[:2] == [f"ptrace {refused}", f"kill {refused}"]


def test_identity__what_is_left_is_removed_and_nothing_else(folder: Path) -> None:
    outside = folder / "outside"
    outside.mkdir(mode=0o751)
    (outside / "kept").write_text("kept")
    workload = Workload(name="w", command=("{binary}", "plant", str(outside)))
    with Stage(plan(folder, workload)) as stage:
        with stage.prepare(stage.plan.judged, workload, 2, stage.lanes[0]) as starts:
            check_results(starts, stage.run(starts, log_folder=stage.lanes[0].logs), "here")
        assert not stage.lanes[0].starts.exists()
    assert not stage.folder.exists()
    assert (stat.S_IMODE(outside.stat().st_mode), (outside / "kept").read_text()) == (0o751, "kept")


def test_identity__setup_is_the_other_users_too(folder: Path) -> None:
    workload = Workload(name="w", command=("sh", "-c", "cat made >&2"), setup=(("sh", "-c", "id -u > made; chmod 600 made"),))
    with Stage(plan(folder, workload)) as stage:
        assert said_by(stage, workload) == "65534\n"


def test_identity__standard_input_is_opened_by_the_program_not_by_us(folder: Path) -> None:
    (folder / "in").write_text("x")
    setup = (("sh", "-c", "rm in && ln -s /etc/shadow in"),)
    workload = Workload(name="w", command=("cat",), inputs=("in",), stdin="in", setup=setup)
    with Stage(plan(folder, workload)) as stage, stage.prepare(stage.plan.judged, workload, 1, stage.lanes[0]) as starts:
        (result,) = stage.run(starts, log_folder=stage.lanes[0].logs)
    assert (result.error, result.stdout_bytes) == ("Permission denied", 0)


def test_identity__pipe_as_standard_input_does_not_hang(folder: Path) -> None:
    (folder / "in").write_text("x")
    setup = (("sh", "-c", "rm in && mkfifo in"),)
    workload = Workload(name="w", command=("cat",), inputs=("in",), stdin="in", setup=setup)
    with Stage(plan(folder, workload)) as stage:
        assert said_by(stage, workload) == ""


@pytest.mark.parametrize("tool", [(), ("setpriv", "--bounding-set", "-kill", "--inh-caps", "-kill")])
def test_identity__refused(tool: tuple[str, ...], tmp_path: Path) -> None:
    """Never as ourselves instead: with the rights we have, then without the one to end it."""
    identity = NOBODY if tool else Identity(uid=0, gid=0)
    start = Start(argv=("/bin/touch", str(tmp_path / "ran")), env={}, cwd=Path("/"), identity=identity)
    why = "without the capability CAP_KILL it could not be ended" if tool else "that would be root"
    with Limit(60.0) as limit, pytest.raises(ToolError) as caught:
        runner.run_starts([start], outer=tool, log_folder=tmp_path, limit=limit)
    assert str(caught.value) == (
        f"Measured programs cannot be run as user {identity.uid} and group {identity.gid}: {why}. Measure as root with the "
        "capabilities SETUID, SETGID, CHOWN and KILL; Docker gives them unless told otherwise."
    )
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        ({"in/.git/config": "token"}, "holds in/.git, which belongs to git and may hold a token"),
        ({"in/link": Path("/etc/shadow")}, "holds the link in/link, which leads out of it"),
        ({"in/deep/link": Path("../../other")}, "holds the link in/deep/link, which leads out of it"),
    ],
)
def test_identity__inputs_that_would_show_more(make: Mapping[str, str | Path], words: str, folder: Path) -> None:
    (folder / "other").write_text("other")
    for name, content in make.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).symlink_to(content) if isinstance(content, Path) else (folder / name).write_text(content)
    workload = Workload(name="w", command=("true",), inputs=("in",))
    with Stage(plan(folder, workload)) as stage, pytest.raises(ConfigError, match=f"^workload 'w', inputs: 'in' {words}"):
        said_by(stage, workload)


@pytest.mark.needs("perf", "valgrind")
def test_identity__both_instruments_see_the_program(folder: Path) -> None:
    workload = Workload(name="work", command=("{binary}", "work", "300000"))
    recorded = measure(plan(folder, workload, name="acts"), lambda _: None)[CANDIDATE]
    assert recorded.samples is not None
    seen = {function.name for function in recorded.samples.workloads[0].functions if function.dso == "{binary}"}
    counted = {function.name for function in recorded.instructions[0].functions if function.dso == "{binary}"}
    assert {"first", "second", "third", "fourth"} <= seen & counted


@pytest.mark.needs("valgrind")
def test_identity__counts_are_the_same_as_without(folder: Path) -> None:
    from dataclasses import replace

    settings = MeasureSettings(instruments=(Instrument.INSTRUCTIONS,))
    other = replace(plan(folder, Workload(name="work", command=("{binary}", "work", "1000")), name="acts"), settings=settings)
    totals = [
        [sum(repeat) for repeat in measure(one, lambda _: None)[CANDIDATE].instructions[0].repeats]
        for one in (other, replace(other, identity=None))
    ]
    assert totals[0][0] == pytest.approx(totals[1][0], rel=0.001)


def test_of_processes__only_plain_files(tmp_path: Path) -> None:
    (tmp_path / "1.out").write_text("x")
    (tmp_path / "2.out").symlink_to("/etc/shadow")
    os.mkfifo(tmp_path / "3.out")
    (tmp_path / "4.out").mkdir()
    (tmp_path / "1234567890.out").write_text("x")
    assert of_processes(tmp_path, ".out") == [tmp_path / "1.out"]


@pytest.mark.parametrize("kind", ["link", "pipe", "ours", "large"])
def test_whole__what_it_does_not_read(kind: str, tmp_path: Path) -> None:
    """Also what became something else since it was listed."""
    path = tmp_path / "1.out"
    os.chown(tmp_path, NOBODY.uid, NOBODY.gid)
    if kind == "link":
        path.symlink_to("/etc/shadow")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.touch()
    if kind == "large":
        os.truncate(path, MAX_FILE_BYTES + 1)
    if kind != "ours":
        os.chown(path, NOBODY.uid, NOBODY.gid, follow_symlinks=False)
    words = {"link": "cannot be read", "large": "has more than 512 MiB"}.get(kind, "is not one that callgrind wrote")
    with pytest.raises(DataError, match=rf"^callgrind's file 1\.out {words}"):
        whole(path)


def test_remove_tree__deeper_than_any_stack(tmp_path: Path) -> None:
    top = tmp_path / "top"
    make = "import os, sys\nos.mkdir(sys.argv[1]); os.chdir(sys.argv[1])\nfor _ in range(4000): os.mkdir('d'); os.chdir('d')"
    subprocess.run(["python3", "-c", make, str(top)], check=True)
    remove_tree(top)
    assert list(tmp_path.iterdir()) == []


def test_reach__by_kind_of_place(folder: Path) -> None:
    shut, part, free = (folder / name for name in ("shut", "part", "free"))
    for place, mode in ((shut, 0o700), (part, 0o711), (free, 0o755)):
        place.mkdir()
        (place / "file").write_text("x")
        place.chmod(mode)
    places = (shut, shut / "file", part, free, free / "file", Path("/proc/1/environ"), folder / "nothing")
    none, some, every = Reach.NONE, Reach.PART, Reach.ALL
    assert reach(NOBODY, places) == (none, none, some, every, every, none, none)
    (free / "file").chmod(0o600)
    assert reach(NOBODY, (free, free / "file")) == (some, none)
