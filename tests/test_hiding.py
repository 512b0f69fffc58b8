"""Hiding what a runner mounted: which folders are closed in which layout, and a real container with secrets in it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from autoprof_ci.errors import ToolError
from autoprof_ci.measure import hiding
from autoprof_ci.measure.hiding import Mount, hidden_from, is_container, mounts_in, of_the_runner, to_close
from autoprof_ci.measure.plan import Identity
from tests.image import image

NOBODY = Identity(uid=65534, gid=65534)

USUAL = """\
75 50 0:39 / / rw,relatime master:2 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/XC
76 75 0:42 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
77 75 0:43 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755
78 77 0:44 / /dev/pts rw,nosuid,noexec,relatime - devpts devpts rw,gid=5,mode=620,ptmxmode=666
79 75 0:22 / /sys ro,nosuid,nodev,noexec,relatime - sysfs sysfs rw
81 80 0:29 /docker/70fd /sys/fs/cgroup/cpu ro,nosuid,nodev,noexec,relatime - cgroup cgroup rw,cpu
91 77 0:46 / /dev/shm rw,nosuid,nodev,noexec,relatime - tmpfs shm rw,size=65536k
92 75 254:0 /var/lib/docker/containers/70fd/resolv.conf /etc/resolv.conf rw,relatime - ext4 /dev/vda rw
93 75 254:0 /var/lib/docker/containers/70fd/hostname /etc/hostname rw,relatime - ext4 /dev/vda rw
94 75 254:0 /var/lib/docker/containers/70fd/hosts /etc/hosts rw,relatime - ext4 /dev/vda rw
51 76 0:42 /bus /proc/bus ro,nosuid,nodev,noexec,relatime - proc proc rw
56 76 0:43 /null /proc/keys rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755
"""


def mounted(*paths: str) -> tuple[Mount, ...]:
    return (*mounts_in(USUAL), *(Mount(path=Path(path), kind="ext4") for path in paths))


def test_mounts_in__blanks_and_lines_that_are_none() -> None:
    text = "95 75 254:0 /w /github/with\\040blank\\011tab ro,relatime shared:1 - ext4 /dev/vda rw\nnonsense\n\n1 2 - x\n"
    assert mounts_in(text) == (Mount(path=Path("/github/with blank\ttab"), kind="ext4"),)


def test_of_the_runner__nothing_in_a_bare_container() -> None:
    assert of_the_runner(mounts_in(USUAL)) == ()
    assert is_container(mounts_in(USUAL))


@pytest.mark.parametrize(
    ("paths", "closed"),
    [
        # GitHub's runner
        (
            ("/run/docker.sock", "/github/workspace", "/github/home", "/github/file_commands", "/github/runner_temp"),
            ("/github", "/run"),
        ),
        # act: the workspace at its path on the host
        (("/run/docker.sock", "/run/act", "/home/me/my code/repo"), ("/home", "/run")),
        (("/opt/hostedtoolcache", "/opt/deep/er"), ("/opt/deep",)),  # Python is in /opt: not all of it can go
        (("/tmp/shared/with/host", "/var/lib/state"), ("/tmp/shared", "/var/lib")),
        (("/a/b", "/a/b/c/d"), ("/a",)),
        # below another mount everything is the host's, so only what is above that may be closed
        (("/srv/x", "/srv/x/y/z"), ("/srv",)),
        # no folder of ours above, or one that programs need
        (("/workspace", "/workspace/in", "/usr/bin/tool", "/usr/lib/x/y/z", "/etc/ssl/certs", "/dev/fuse", "/tmp/direct"), ()),
    ],
)
def test_to_close__by_layout(paths: tuple[str, ...], closed: tuple[str, ...]) -> None:
    needed = (Path("/opt/autoprof-ci/bin/python"),)
    assert to_close(mounted(*paths), needed) == tuple(map(Path, closed))


def test_hidden_from__not_on_a_machine_of_somebodys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text("1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 8:2 / /home rw - ext4 /dev/sda2 rw\n")
    monkeypatch.setattr(hiding, "MOUNTINFO", mountinfo)
    monkeypatch.setattr(hiding, "MARKERS", (tmp_path / "none",))
    mode = Path("/home").stat().st_mode
    with (
        pytest.raises(
            ToolError, match=r"^Mounted folders are hidden from a measured program in a container only, and this is none"
        ),
        hidden_from(NOBODY),
    ):
        pass
    assert Path("/home").stat().st_mode == mode


SCRIPT = """
import json, os, sys
from pathlib import Path
from autoprof_ci.errors import ToolError
from autoprof_ci.measure.hiding import hidden_from
from autoprof_ci.measure.plan import Identity
from autoprof_ci.measure.reach import reach

nobody = Identity(uid=65534, gid=65534)
places = [Path(path) for path in sys.argv[1:]]
modes = lambda: [oct(path.stat().st_mode) for path in (*places, *(place.parent for place in places))]
before, said = modes(), {"before": reach(nobody, places)}
try:
    with hidden_from(nobody) as closed:
        said |= {"closed": [str(path) for path in closed], "within": reach(nobody, places), "ours": places[0].read_text()}
except ToolError as error:
    said["error"] = str(error)
print(json.dumps(said | {"after": reach(nobody, places), "restored": modes() == before}))
"""


def in_container(*words: str, mounts: tuple[str, ...]) -> dict[str, object]:
    python = ("--entrypoint", "/opt/autoprof-ci/bin/python", image(), "-IB", "-c", SCRIPT, *words)
    volumes = [word for mount in mounts for word in ("-v", mount)]
    run = ["docker", "run", "--rm", "--network", "host", *volumes, *python]
    done = subprocess.run(run, capture_output=True, text=True, check=False, timeout=120, env={**os.environ})
    assert done.returncode == 0, done.stderr
    said: dict[str, object] = json.loads(done.stdout)
    return said


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """With a token that everybody may read, as a checkout leaves it."""
    folder = tmp_path / "work space"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "config").write_text("token")
    folder.chmod(0o755)
    return folder


@pytest.mark.needs("docker-engine")
def test_hidden_from__token_and_socket_of_the_runner(workspace: Path) -> None:
    token, socket = "/github/workspace/.git/config", "/var/run/docker.sock"
    said = in_container(token, socket, mounts=(f"{workspace}:/github/workspace", f"{socket}:{socket}"))
    none, every = "none", "all"
    assert said["before"] in ([every, every], [every, none])  # the socket's own mode is the host's choice
    assert {key: said[key] for key in said if key != "before" and key != "after"} == {
        "closed": ["/github", "/run"],
        "within": [none, none],
        "ours": "token",
        "restored": True,
    }
    assert said["after"] == said["before"]


@pytest.mark.needs("docker-engine")
def test_hidden_from__what_cannot_be_hidden_is_named(workspace: Path) -> None:
    said = in_container("/workspace/.git/config", mounts=(f"{workspace}:/workspace",))
    assert said == {
        "before": ["all"],
        "error": "A measured program, run as user 65534, could still reach /workspace. Give the runner a Docker socket, so that "
        "it is measured in a container of its own, or do not mount that.",
        "after": ["all"],
        "restored": True,
    }
