"""The artifact service that act brings along, instead of a fake of it: what we store there can be listed and fetched."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOW = """
on: push
jobs:
  store:
    runs-on: ubuntu-latest
    steps:
      - run: {python} {script}
"""
SCRIPT = """
import os
from autoprof_ci.actions.artifact_service import ArtifactService
from autoprof_ci.actions.blob_upload import BLOCK_BYTES
from autoprof_ci.actions.context import Runtime

runtime = Runtime(results_url=os.environ["ACTIONS_RESULTS_URL"], token=os.environ["ACTIONS_RUNTIME_TOKEN"])
service = ArtifactService(runtime, run_url="https://github.com/octo/app/actions/runs/1", mask=lambda secret: None)
content = bytes(range(256)) * (BLOCK_BYTES // 128) + b"end"
first = service.upload("autoprof-baseline", b"longer than nothing")
second = service.upload("autoprof-baseline", content)
listed = [(each.name, each.id) for each in service.list("autoprof-")]  # the size that act lists is that of a folder
assert listed == [("autoprof-baseline", second.id)], listed
assert service.download("autoprof-baseline", 1 << 30) == content
service.delete("autoprof-baseline")
service.upload("autoprof-report-1", content)
print("everything", "as expected")
"""


@pytest.mark.needs("act", "docker-engine")
def test_service__of_act__keeps_what_it_was_given(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    workflows = repository / ".github" / "workflows"
    workflows.mkdir(parents=True)
    script = tmp_path / "store.py"
    script.write_text(SCRIPT)
    (workflows / "store.yml").write_text(WORKFLOW.format(python=sys.executable, script=script))
    git = ["git", "-C", str(repository), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *command], check=True, capture_output=True)
    act = shutil.which("act")
    assert act
    # On the host itself, where our own Python is; nothing is pulled.
    done = subprocess.run(
        [act, "push", "-P", "ubuntu-latest=-self-hosted", "--artifact-server-path", str(tmp_path / "artifacts"),
         "--artifact-server-addr", "127.0.0.1", "--artifact-server-port", str(free_port()), "--env", f"PYTHONPATH={ROOT}"],
        cwd=repository, capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")},
    )  # fmt: skip
    assert "everything as expected" in done.stdout, done.stdout + done.stderr
    assert [path.name for path in (tmp_path / "artifacts").rglob("*.zip")] == ["autoprof-report-1.zip"]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
