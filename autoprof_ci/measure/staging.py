"""Where and in which circumstances a program runs: always the same ones, for both programs and at every start.

Knows folders, copies, the environment, placeholders, and that a workload's `setup` comes first. Knows nothing of tools.
Everything it makes is in memory where possible and gone afterwards:

    autoprof-12345678/{a,b}/NAME       copies of the programs where they may be executed; their paths are of one length
    autoprof-12345678/{a,b}/.libraries/ what their loader would not find elsewhere
    autoprof-12345678/agent-0/         claude, codex, and the session that they play: one folder for each workload with an agent
    autoprof-23456789/{0,1}/           one for each of two lanes, in which one thing is done at a time
      program -> {a,b}                 both programs are started by one path, so argv[0] and outputs do not differ
      starts/0000/{work,home,scratch}  one for each start, fresh; the program's own
      counts/                          what a tool writes that runs as the program's user
      logs/                            what the starter and the tools write; ours alone

Where programs run as another user (`Plan.identity`), that user may enter all but `logs`, and write only what is its own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from autoprof_ci import placeholders
from autoprof_ci.errors import ConfigError
from autoprof_ci.measure.agents import stage_agent
from autoprof_ci.measure.daemon_window import Driver, Window
from autoprof_ci.measure.failures import check_results
from autoprof_ci.measure.handover import check_entered, copy_readable, give, let_pass
from autoprof_ci.measure.inputs import agent_session, copy_input, input_path, size_bytes
from autoprof_ci.measure.lanes import LANES
from autoprof_ci.measure.limit import Limit
from autoprof_ci.measure.places import Needs, Places, find_places
from autoprof_ci.measure.plan import Identity, Plan, Program
from autoprof_ci.measure.reach import Reach, reach
from autoprof_ci.measure.removal import fresh_folder, remove_tree
from autoprof_ci.measure.runner import Start, StartResult, run_starts
from autoprof_ci.measure.stopwatch import Step, Stopwatch
from autoprof_ci.model import Workload

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": PATH, "LANG": "C.UTF-8", "TZ": "UTC"}
FIXED_BYTES = 4096
"""Arguments and environment together are padded to a multiple of this: where the stack begins is the same everywhere."""
PADDING = "AUTOPROF_PADDING"
LIBRARIES = ".libraries"
COPIES_BYTES = 512 << 20
"""All fresh copies of a workload's inputs that exist at once, where there is room; else a quarter of what is free."""
MAX_STARTS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A folder in which one thing is done at a time. The paths of all lanes are of one length."""

    folder: Path

    @property
    def program(self) -> Path:
        return self.folder / "program"

    @property
    def starts(self) -> Path:
        return self.folder / "starts"

    @property
    def counts(self) -> Path:
        return self.folder / "counts"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def user(self, identity: Identity) -> Identity:
        """Whom programs run as in here: two that run at once may not reach each other's processes and files."""
        number = int(self.folder.name)
        return replace(identity, uid=identity.uid - number, gid=identity.gid - number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A workload's starts, ready to be executed. `setup`: the starts that have to be made before, in their order."""

    starts: tuple[Start, ...]
    setup: tuple[Start, ...]


def expand(words: Sequence[str], values: Mapping[str, str], where: str) -> list[str]:
    """Put values in place of placeholders. Raises `ConfigError` for a name that is not known, saying `where` it is."""
    try:
        return list(placeholders.expand(words, values))
    except ConfigError as error:
        raise ConfigError(f"{where}: {error.what}", error.next_step) from None


class Stage:
    """The folders of one measuring session; a context manager. Use `prepare` around the execution of starts."""

    def __init__(self, plan: Plan, places: Places | None = None) -> None:
        self.plan, self.watch = plan, Stopwatch()
        self._places = places
        self._data = plan.data
        self._tools_found: dict[str, str] = {}

    def __enter__(self) -> Stage:
        with ExitStack() as on_failure, self.watch.step(Step.STAGING):
            self.limit = on_failure.enter_context(Limit(self.plan.settings.time_limit_s))
            places = self._places or find_places(self._needs())
            self.programs = on_failure.enter_context(fresh_folder(places.programs))
            self.folder = on_failure.enter_context(fresh_folder(places.work))
            self.lanes = tuple(Lane(folder=self.folder / str(number)) for number in range(LANES))
            for lane in self.lanes:
                for folder in (lane.folder, lane.logs, lane.counts):
                    folder.mkdir(mode=0o700)
            for program in self.plan.programs:
                self._stage_program(program)
            for workload in self.plan.workloads:
                stage_agent(self.plan, workload, self.agent_folder(workload))
            self._open_to_programs()
            self._copies_bytes = min(COPIES_BYTES, shutil.disk_usage(self.folder).free // 4)
            self._cleanup = on_failure.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._cleanup.__exit__(kind, error, traceback)

    def files(self, program: Program) -> Mapping[str, Path]:
        """Real paths of the program's staged files by placeholder name; ``binary`` is the measured one."""
        folder = self.programs / "ab"[self.plan.programs.index(program)]
        return {name: folder / file.name for name, file in self._names().items()}

    def agent_folder(self, workload: Workload) -> Path:
        """Where its agent is staged, if it has one."""
        return self.programs / f"agent-{self.plan.workloads.index(workload)}"

    def largest_batch(self, workload: Workload) -> int:
        """How many starts of it may be prepared at once."""
        size = sum(size_bytes(input_path(self.plan, workload, name)) for name in workload.inputs)
        return max(1, min(MAX_STARTS, self._copies_bytes // max(1, size)))

    def run(self, starts: Sequence[Start], *, outer: Sequence[str] = (), log_folder: Path) -> tuple[StartResult, ...]:
        """Run them within the time that is left for the session; see `runner.run_starts`."""
        results = run_starts(starts, outer=outer, log_folder=log_folder, limit=self.limit)
        self.watch.ran(results)
        return results

    @contextmanager
    def prepare(self, program: Program, workload: Workload, count: int, lane: Lane) -> Iterator[tuple[Start, ...]]:
        """`count` starts in fresh folders with `setup` done, for one run; the folders go when it is over.

        Raises `ProgramError` when a command of `setup` fails.
        """
        try:
            with self.watch.step(Step.FOLDERS):
                lane.program.unlink(missing_ok=True)
                lane.program.symlink_to(self.files(program)["binary"].parent)
                folders = [lane.starts / f"{index:04}" for index in range(count)]
                for folder in folders:
                    self._fill(folder, workload)
                staged = [self._staged(workload, folder) for folder in folders]
            setup = [start for one in staged for start in one.setup]
            if setup:
                where = f"setup of workload {workload.name!r} ({program.label})"
                check_results(setup, run_starts(setup, log_folder=lane.logs, limit=self.limit), where)
            yield tuple(start for one in staged for start in one.starts)
        finally:
            with self.watch.step(Step.FOLDERS):
                if lane.starts.exists():
                    remove_tree(lane.starts)

    def instructions_start(self, workload: Workload, start: Start) -> Start:
        """The same start with the smaller task that the workload names for callgrind, if it does."""
        if workload.instructions_command is None:
            return start
        values = self._values(start.cwd.parent)
        return self._main_start(workload, workload.instructions_command, values, "instructions_command")

    def _names(self) -> dict[str, Path]:
        """Placeholder -> file whose base name is used on both sides: the judged program's."""
        judged = self.plan.judged
        return {"binary": judged.binary, **judged.extra_binaries}

    def _sources(self, program: Program) -> dict[str, Path]:
        """Placeholder -> file of this program."""
        files = {"binary": program.binary, **program.extra_binaries}
        return {name: files[name] for name in self._names() if name in files}

    def _stage_program(self, program: Program) -> None:
        for name, target in self.files(program).items():
            target.parent.mkdir(mode=0o755, exist_ok=True)
            if source := self._sources(program).get(name):
                _copy(source, target)
        folder = self.files(program)["binary"].parent / LIBRARIES
        for soname, source in program.libraries.items():
            folder.mkdir(exist_ok=True)
            _copy(source, folder / soname)

    def _open_to_programs(self) -> None:
        """Let the other user enter, without seeing what else lies there; and bring it what it may not read where it is."""
        identity, data = self.plan.identity, self.plan.data
        if identity is None:
            return
        let_pass([folder for lane in self.lanes for folder in (lane.counts, lane.folder)])
        let_pass([self.folder, self.programs, *self.programs.glob("[ab]"), *self.programs.glob(f"*/{LIBRARIES}")])
        check_entered(identity, (self.folder, self.programs))
        if data is not None and reach(identity, (data,)) != (Reach.ALL,):
            self._data = self.folder / "data"
            copy_readable(data, self._data)

    def _needs(self) -> Needs:
        inputs = [self.plan.config_folder / name for workload in self.plan.workloads for name in workload.inputs]
        files = [file for path in inputs for file in (path.rglob("*") if path.is_dir() else (path,))]
        sources = [file for one in self.plan.programs for file in (*self._sources(one).values(), *one.libraries.values())]
        sources += [file for workload in self.plan.workloads if (file := agent_session(self.plan, workload)) is not None]
        return Needs(
            program_bytes=sum(size_bytes(file) for file in sources),
            executable_inputs=any(file.is_file() and os.access(file, os.X_OK) for file in files),
            identity=self.plan.identity,
        )

    def _fill(self, folder: Path, workload: Workload) -> None:
        folder.mkdir(mode=0o700, parents=True)
        own = [folder / name for name in ("work", "home", "scratch")]
        for made in own:
            made.mkdir()
        for name in workload.inputs:
            where = f"workload {workload.name!r}, inputs: {name!r}"
            copy_input(input_path(self.plan, workload, name), folder / "work" / name, where)
        if self.plan.identity is not None:
            # Nobody else can be in there yet: only its last line lets them in.
            user = Lane(folder=folder.parent.parent).user(self.plan.identity)
            for made in own:
                give(made, user)
            let_pass([folder.parent, folder])

    def _values(self, folder: Path) -> dict[str, str]:
        lane = Lane(folder=folder.parent.parent)
        values = {name: str(lane.program / file.name) for name, file in self._names().items()}
        values["scratch"] = str(folder / "scratch")
        if self._data is not None:
            values["data"] = str(self._data)
        return values

    def _staged(self, workload: Workload, folder: Path) -> Staged:
        values = self._values(folder)
        setup = tuple(
            replace(self._start(workload, command, values, f"setup[{index}]"), stdin=None, expect_exit=0)
            for index, command in enumerate(workload.setup)
        )
        return Staged(starts=(self._main_start(workload, workload.command, values, "command"),), setup=setup)

    def _main_start(self, workload: Workload, command: Sequence[str], values: Mapping[str, str], key: str) -> Start:
        start, daemon = self._start(workload, command, values, key), workload.daemon
        if daemon is None:
            return start
        driver = None
        if daemon.driver is not None:
            started = self._start(workload, daemon.driver, values, "driver")
            own = [values[name] for name in self._names()]
            of_program = any(path in word for path in own for word in started.argv)
            driver = Driver(argv=started.argv, env=started.env, of_program=of_program)
        window = Window(ready=daemon.ready, driver=driver, duration_s=daemon.duration_s, stop_signal=daemon.stop_signal)
        return replace(start, window=window)

    def _start(self, workload: Workload, command: Sequence[str], values: Mapping[str, str], key: str) -> Start:
        where = f"workload {workload.name!r}, {key}"
        folder = Path(values["scratch"]).parent
        env = {**ENVIRONMENT, "HOME": str(folder / "home"), "TMPDIR": values["scratch"]}
        given = expand(tuple(workload.env.values()), values, f"workload {workload.name!r}, env")
        env |= dict(zip(workload.env, given, strict=True))
        if workload.agent is not None:
            env["PATH"] = f"{self.agent_folder(workload)}:{env['PATH']}"
        if any(program.libraries for program in self.plan.programs):
            own = (str(Lane(folder=folder.parent.parent).program / LIBRARIES), env.get("LD_LIBRARY_PATH"))
            env["LD_LIBRARY_PATH"] = ":".join(filter(None, own))
        argv = expand(command, values, where)
        argv[0] = self._found(argv[0], env["PATH"], where)
        return Start(
            argv=tuple(argv),
            env=padded(argv, env),
            cwd=folder / "work",
            stdin=None if workload.stdin is None else folder / "work" / workload.stdin,
            timeout_s=workload.timeout_s,
            expect_exit=workload.expect_exit,
            identity=Lane(folder=folder.parent.parent).user(self.plan.identity) if self.plan.identity else None,
        )

    def _found(self, name: str, path: str, where: str) -> str:
        """`argv[0]` as a path: the starter does not search."""
        if "/" in name:
            return name
        if name not in self._tools_found:
            found = shutil.which(name, path=path)
            if found is None:
                raise ConfigError(f"{where}: {name!r} was not found in {path}", "Write {binary}, or a path.")
            self._tools_found[name] = found
        return self._tools_found[name]


def padded(argv: Sequence[str], env: Mapping[str, str]) -> dict[str, str]:
    """`env` with one variable more that makes arguments and environment together a multiple of `FIXED_BYTES` long."""
    used = sum(len(os.fsencode(word)) + 1 for word in argv)
    used += sum(len(os.fsencode(name)) + len(os.fsencode(text)) + 2 for name, text in env.items())
    used += len(PADDING) + 2
    return {**env, PADDING: "x" * (-used % FIXED_BYTES)}


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o755)
