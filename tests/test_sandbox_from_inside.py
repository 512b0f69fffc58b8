"""As in a job: we run in a container of our image, with nothing but the engine's socket, and measure in another one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image import image

pytestmark = [pytest.mark.needs("docker-engine"), pytest.mark.needs("cc")]

LIBRARIES = Path("/usr/local/lib")
LIBRARY = "libautoprof-test-answer.so.1"

SCRIPT = """
import os, sys
from pathlib import Path
from autoprof_ci.errors import AutoprofError
from autoprof_ci.measure.plan import Plan, Program
from autoprof_ci.model import Instrument, MeasureSettings, Workload
from autoprof_ci.sandbox.engine import find_engine
from autoprof_ci.sandbox.own_image import own_image
from autoprof_ci.sandbox.session import ContainerSession

engine = find_engine(os.environ)
session = ContainerSession(engine, own_image(engine, os.environ))
plan = Plan(
    programs=(Program(label="candidate", binary=Path(sys.argv[1])),),
    workloads=(Workload(name="w", command=("{binary}",)),),
    settings=MeasureSettings(instruments=(Instrument.INSTRUCTIONS,), time_limit_s=60),
    data=None,
    config_folder=Path("/w"),
)
try:
    recordings = session.measure(plan, lambda progress: None)
    print({label: [workload.name for workload in recording.instructions] for label, recording in recordings.items()})
except AutoprofError as error:
    print(error)
"""


def from_inside(folder: Path, program: str, *options: str) -> str:
    """What the script says when it runs in our image; `options`: of ``docker run``."""
    command = ["docker", "run", "--rm", "--network", "none", "-v", "/var/run/docker.sock:/var/run/docker.sock"]
    command += ["-v", f"{folder}:/w:ro", *options, "--entrypoint", "/opt/autoprof-ci/bin/python", image()]
    done = subprocess.run([*command, "-IBc", SCRIPT, program], capture_output=True, text=True, check=False, timeout=120)
    return done.stdout + done.stderr


def compiled(folder: Path, name: str, source: str, *options: str) -> Path:
    (folder / f"{name}.c").write_text(source)
    program = folder / name
    subprocess.run(("cc", "-O1", "-o", str(program), str(folder / f"{name}.c"), *options), check=True)
    return program


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    return tmp_path


@pytest.fixture
def host_library(folder: Path) -> Iterator[Path]:
    """A library that this machine has in a usual folder, and the image has not."""
    if not os.access(LIBRARIES, os.W_OK):
        pytest.skip("a library cannot be put into /usr/local/lib here")
    library = LIBRARIES / LIBRARY
    compiled(folder, LIBRARY, "int answer(void) { return 0; }", "-shared", "-fPIC", f"-Wl,-soname,{LIBRARY}").rename(library)
    yield library
    library.unlink()


def test_from_inside__the_image_is_found_and_the_workspace_is_not_needed(folder: Path) -> None:
    compiled(folder, "tool", "int main(void) { return 0; }")
    assert from_inside(folder, "/w/tool") == "{'candidate': ['w']}\n"


def test_from_inside__another_host_name_does_not_mislead(folder: Path) -> None:
    compiled(folder, "tool", "int main(void) { return 0; }")
    assert from_inside(folder, "/w/tool", "--hostname", "somebody-else") == "{'candidate': ['w']}\n"


def test_from_inside__libraries_of_the_host_are_brought_along(folder: Path, host_library: Path) -> None:
    compiled(folder, "needy", "int answer(void); int main(void) { return answer(); }", str(host_library))
    assert from_inside(folder, "/w/needy") == "{'candidate': ['w']}\n"


def test_from_inside__libraries_that_nobody_has_are_listed(folder: Path) -> None:
    library = compiled(
        folder, "libnowhere.so.9", "int answer(void) { return 0; }", "-shared", "-fPIC", "-Wl,-soname,libnowhere.so.9"
    )
    compiled(folder, "needy", "int answer(void); int main(void) { return answer(); }", str(library))
    said = from_inside(folder, "/w/needy")
    assert "needs shared libraries that are not here: libnowhere.so.9 (needed by needy)" in said
    assert "/host/usr/lib" in said
