"""Machines without tools, memory or room: what is left is measured, or one sentence says what to do.

Sentences are compared whole: they are what the user gets.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.as_a_user import MEMORY, Place, assert_refused, can_hide_memory
from tests.bad_cases import FAILED, USAGE, acts, caveats, comment, vandal

pytestmark = pytest.mark.needs("cc")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.make(tmp_path)


# --- the machine ------------------------------------------------------------------------------------------------------------

PERF = 'exec /usr/bin/perf "$@"'
VALGRIND = 'exec /usr/bin/valgrind "$@"'
REFUSING_PERF = """\
[ "$1" = --version ] && echo "perf version 6.1" && exit 0
cat >&2 <<'END'
Error:
Access to performance monitoring and observability operations is limited.
Consider adjusting /proc/sys/kernel/perf_event_paranoid setting to open
access to performance monitoring and observability operations for processes
without CAP_PERFMON, CAP_SYS_PTRACE or CAP_SYS_ADMIN Linux capability.
perf_event_paranoid setting is 4:
  -1: Allow use of (almost) all events by all users
>= 2: Disallow kernel profiling
To make the adjusted perf_event_paranoid setting permanent preserve it
in /etc/sysctl.conf (e.g. kernel.perf_event_paranoid = <setting>)
END
exit 255"""


def thrice() -> tuple[str | Path, ...]:
    """A gate whose candidate takes three times as long."""
    return ("gate", "--binary", vandal("-DTHRICE"), "--baseline-binary", vandal(), "--", "busy", "2000000")


@pytest.mark.needs("valgrind")
def test_machine__without_perf(place: Place) -> None:
    """Instructions alone decide."""
    place.tools(valgrind=VALGRIND)
    answer = place.run(*thrice())
    assert (answer.code, answer.said) == (1, "")
    assert list(caveats(place)) == ["time_unavailable"]
    (detail,) = caveats(place)["time_unavailable"]
    assert detail.startswith("perf is not installed")
    assert "Time could not be measured here" in comment(place)


@pytest.mark.needs("valgrind")
def test_machine__refuses_perf(place: Place) -> None:
    place.tools(valgrind=VALGRIND, perf=REFUSING_PERF)
    answer = place.run(*thrice())
    assert (answer.code, answer.said) == (1, "")
    assert list(caveats(place)) == ["time_unavailable"]
    (detail,) = caveats(place)["time_unavailable"]
    assert detail.startswith("the kernel refuses perf (kernel.perf_event_paranoid = ")
    assert "kernel.perf_event_paranoid=1" in detail or "--security-opt seccomp=unconfined" in detail


@pytest.mark.needs("perf")
def test_machine__without_valgrind(place: Place) -> None:
    """Time alone decides, and says what it cannot tell apart."""
    place.tools(perf=PERF)
    answer = place.run(*thrice())
    assert (answer.code, answer.said) == (1, "")
    assert sorted(caveats(place)) == ["instructions_unavailable", "placement_not_ruled_out"]
    assert "unchanged code at another address can be slower, and this cannot be told apart here" in comment(place)


def test_machine__without_any_tool(place: Place) -> None:
    place.tools()
    answer = place.run(*thrice())
    assert answer.code == FAILED
    assert "perf is not installed, and valgrind is not installed" in answer.said
    assert "apt-get install" in answer.said
    assert not (place.folder / "out").exists()


def test_machine__without_the_one_instrument_that_is_asked_for(place: Place) -> None:
    """The other tool is here; nobody may say that it is not."""
    place.tools(valgrind="exit 1", perf="exit 1")
    (place.folder.parent / "tools/perf").unlink()
    answer = place.run("record", "--binary", acts(), "--instrument", "time", "--", "work", "1000")
    assert answer.code == FAILED
    assert "perf is not installed" in answer.said
    assert "valgrind is not installed" not in answer.said


# --- where things are written -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["gate", "record"])
@pytest.mark.parametrize("out", ["mine", "mine/below"])
def test_out__is_a_file(command: str, out: str, place: Place) -> None:
    """Said before anything is measured."""
    (place.folder / "mine").write_text("mine")
    sentence = f"{out} cannot be written: mine is not a folder. Choose another folder with --out or correct its permissions."
    assert_refused(place, place.run(command, "--binary", acts(), "--out", out, "--", "hang"), USAGE, sentence)
    assert (place.folder / "mine").read_text() == "mine"


NEEDS_DISKS = pytest.mark.skipif(not can_hide_memory(), reason="needs to mount disks of its own: run as root, with unshare")


@NEEDS_DISKS
@pytest.mark.needs("valgrind")
@pytest.mark.parametrize("command", ["record", "gate"])
def test_out__disk_is_full(command: str, place: Place) -> None:
    out = place.folder / "out"
    out.mkdir()
    place.disks[out] = "size=4k"
    answer = place.run(command, "--binary", acts(), "--instrument", "instructions", "--", "work", "1000")
    assert (answer.code, answer.out) == (FAILED, "")
    assert answer.said == (
        "autoprof-ci: The disk is full: out/candidate.bundle.zip could not be written. "
        "Free some space or choose another folder with --out.\n"
    )


@NEEDS_DISKS
@pytest.mark.parametrize(
    ("size", "said"),
    [
        ("16k", "autoprof-ci: Programs cannot be staged: no space left for 1 MiB in "),
        ("64k", "autoprof-ci: No space left for what is measured"),
    ],
    ids=["for-the-program", "for-what-is-measured"],
)
def test_scratch__disk_is_full(size: str, said: str, place: Place) -> None:
    for folder in (MEMORY, place.temporary, Path("/var/tmp")):
        place.disks[folder] = f"size={size}"
    answer = place.run("record", "--binary", acts(), "--", "work", "1000")
    assert (answer.code, answer.out) == (FAILED, "")
    assert answer.said.startswith(said)
    assert ". Free some space " in answer.said
    assert not (place.folder / "out").exists()


@NEEDS_DISKS
@pytest.mark.needs("valgrind")
@pytest.mark.parametrize("options", ["ro", "noexec"])
def test_scratch__memory_is_not_to_be_used(options: str, place: Place) -> None:
    """Then programs run in the temporary folder."""
    place.disks[MEMORY] = options
    answer = place.run("record", "--binary", acts(), "--instrument", "instructions", "--", "work", "1000")
    assert (answer.code, answer.said) == (0, "")


@pytest.mark.needs("valgrind")
def test_scratch__temporary_folder_is_not_there(place: Place) -> None:
    """Then another is found, as Python does."""
    place.env["TMPDIR"] = str(place.folder / "gone")
    answer = place.run("record", "--binary", acts(), "--instrument", "instructions", "--", "work", "1000")
    assert (answer.code, answer.said) == (0, "")
    assert not (place.folder / "gone").exists()
