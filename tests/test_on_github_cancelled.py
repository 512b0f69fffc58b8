"""A cancelled job: the runner sends SIGINT, then SIGTERM, then kills. Wherever the step is: 130, and nothing measured is lost."""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from autoprof_ci import bundle
from tests import step
from tests.fake_github import FakeGithub
from tests.programs import built
from tests.step import Project, Said, artifact_of

pytestmark = pytest.mark.needs("cc")

NOTHING = "warning::The job was cancelled before anything was measured. Run it again when you are ready."
KEPT = (
    "warning::The job was cancelled; what was measured by then is kept in autoprof-report/ of the workspace. The artifact"
    " autoprof-report-1 has it too, if there is time left to store it."
)
SIGNALS = {
    "INT": (signal.SIGINT,),
    "INT-TERM": (signal.SIGINT, signal.SIGTERM),
    "TERM": (signal.SIGTERM,),
}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with FakeGithub() as github:
        repository = github.repository("octo/app")
        base = repository.commit("first", branch="main")
        yield Project(github=github, folder=tmp_path, repository=repository, base=base)


def cancelled(env: dict[str, str], reached: Callable[[], bool], signals: Sequence[signal.Signals]) -> Said:
    """The step, sent these signals as soon as it has `reached` something."""
    process = step.started(env)
    try:
        for _ in range(round(step.LIMIT_S / 0.02)):
            if reached():
                break
            assert process.poll() is None, process.communicate()[0].decode()
            time.sleep(0.02)
        else:
            raise AssertionError("it never came so far")
        for number in signals:
            process.send_signal(number)
            time.sleep(0.1)
        raw, _ = process.communicate(timeout=step.LIMIT_S)
    finally:
        process.kill()
    return step.said(env, process.returncode, raw)


def asked(project: Project, method: str, end_of_path: str) -> Callable[[], bool]:
    return lambda: any(request.method == method and request.path.endswith(end_of_path) for request in project.github.log)


@pytest.mark.parametrize("signals", SIGNALS.values(), ids=SIGNALS)
def test_cancelled__while_the_baseline_is_looked_for(project: Project, signals: Sequence[signal.Signals]) -> None:
    project.pull()
    project.github.fail("GET", "/actions/artifacts$", hang_s=60)
    env = project.environment("pull_request", 1, pull=7)
    said = cancelled(env, asked(project, "GET", "/actions/artifacts"), signals)
    assert (said.code, said.annotations, said.outputs) == (130, [NOTHING], {})
    assert not (said.workspace / "autoprof-report").exists()
    assert project.repository.comments(7) == []


@pytest.mark.parametrize("end_of_path", ["/CreateArtifact", "/FinalizeArtifact"])
@pytest.mark.parametrize("signals", SIGNALS.values(), ids=SIGNALS)
def test_cancelled__while_the_report_is_stored(project: Project, signals: Sequence[signal.Signals], end_of_path: str) -> None:
    """It is stored again, from the beginning, in the seconds that are left."""
    project.pull()
    project.recorded(1)
    project.github.fail("POST", f"{end_of_path}$", hang_s=60)
    said = cancelled(project.environment("pull_request", 1, pull=7), asked(project, "POST", end_of_path), signals)
    assert (said.code, said.annotations) == (130, [KEPT])
    folder = said.workspace / "autoprof-report"
    assert {"candidate.bundle.zip", "baseline.bundle.zip"} <= {path.name for path in folder.iterdir()}
    assert {"candidate.bundle.zip", "baseline.bundle.zip"} <= set(artifact_of(project.repository, "autoprof-report"))
    assert project.repository.comments(7) == []


@pytest.mark.parametrize("signals", SIGNALS.values(), ids=SIGNALS)
def test_cancelled__while_the_comment_is_written(project: Project, signals: Sequence[signal.Signals]) -> None:
    """The report is stored already, and is left in peace."""
    project.pull()
    project.recorded(1)
    project.github.fail("POST", "/issues/7/comments$", hang_s=60)
    said = cancelled(project.environment("pull_request", 1, pull=7), asked(project, "POST", "/issues/7/comments"), signals)
    assert (said.code, said.annotations) == (130, [KEPT])
    assert {"candidate.bundle.zip", "verdict.json"} <= set(artifact_of(project.repository, "autoprof-report"))
    assert sum(request.path.endswith("/CreateArtifact") for request in project.github.log) == 1
    assert "### 🟢 Nothing to measure" in said.summary


@contextmanager
def turns(number: int, project: Project, event: str, pull: int | None) -> Iterator[tuple[dict[str, str], Path]]:
    """A step whose program stays for ever at its start of this number, deaf to signals, with a child in a session of its own;
    and the file that tells so."""
    with tempfile.TemporaryDirectory(prefix="turns-") as name:
        folder = Path(name)
        starts = folder / "starts"
        starts.touch()
        for shared, mode in ((folder, 0o777), (starts, 0o666)):
            shared.chmod(mode)  # the program is measured as other users
        toml = step.TOML.replace('["{binary}"]', f'["{{binary}}", "turn", "{number}", "{folder}"]')
        env = project.environment(event, 1, pull=pull, toml=toml)
        Path(env["GITHUB_WORKSPACE"], "bin", "worker").write_bytes(built("vandal").read_bytes())
        yield env, folder / "waiting"


@pytest.mark.needs("valgrind")
@pytest.mark.parametrize("signals", SIGNALS.values(), ids=SIGNALS)
def test_cancelled__while_measuring(project: Project, signals: Sequence[signal.Signals]) -> None:
    """The third start is the second count: of the first there is something to keep."""
    project.pull()
    with turns(3, project, "pull_request", 7) as (env, waiting):
        said = cancelled(env, waiting.exists, signals)
    notice, *others = said.annotations
    assert notice.startswith("notice::No baseline: ")
    assert (said.code, others) == (130, [KEPT])
    for data in (
        (said.workspace / "autoprof-report" / "candidate.bundle.zip").read_bytes(),
        artifact_of(project.repository, "autoprof-report")["candidate.bundle.zip"],
    ):
        [counted] = bundle.decode(data, source="what was kept").recording.instructions
        assert (counted.name, len(counted.repeats)) == ("work", 1)
    assert project.repository.comments(7) == []


@pytest.mark.needs("valgrind")
def test_cancelled__before_the_first_count(project: Project) -> None:
    with turns(1, project, "push", None) as (env, waiting):
        said = cancelled(env, waiting.exists, SIGNALS["INT"])
    assert (said.code, said.annotations) == (130, [NOTHING])
    assert artifact_of(project.repository, "autoprof") == {}
