"""Outputs and summary as the runner reads them; secrets that go no further."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from autoprof_ci.actions import summary_text
from autoprof_ci.actions.context import Context
from autoprof_ci.actions.step_files import MAX_SUMMARY_BYTES, set_outputs, take_secrets, write_summary
from autoprof_ci.errors import ToolError
from tests.test_actions import environments


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return environments.context(tmp_path, "push", environments.push())


def outputs(context: Context) -> dict[str, str]:
    """The pairs that the runner reads out of the file, or AssertionError where it would fail the step."""
    assert context.output_file is not None
    pairs = {}
    rest = context.output_file.read_bytes().decode()
    while rest:
        head, _, rest = rest.partition("\n")
        name, separator, delimiter = head.partition("<<")
        assert name and separator and delimiter and "=" not in head, head
        end = 0 if rest.startswith(f"{delimiter}\n") else rest.find(f"\n{delimiter}\n") + 1
        assert end or rest.startswith(f"{delimiter}\n"), "no end"
        pairs[name] = rest[: max(0, end - 1)]
        rest = rest[end + len(delimiter) + 1 :]
    return pairs


def test_set_outputs__are_read_back_whatever_they_hold(context: Context) -> None:
    values = {
        "outcome": "fail",
        "regressions": "",
        "verdict_path": "out/a=b<<EOF\nghadelimiter_0\nEOF\noutcome=pass\n::error::x",
        "report_path": "\n\n",
        "baseline_commit": "a\r\nb\u2028ü",
    }
    set_outputs(context, {"outcome": "inconclusive"})
    set_outputs(context, values)
    assert outputs(context) == values


def test_set_outputs__undecodable_names_of_files(context: Context) -> None:
    set_outputs(context, {"report_path": "out/\udcff"})
    assert outputs(context) == {"report_path": "out/?"}


def test_set_outputs__only_what_is_declared(context: Context) -> None:
    with pytest.raises(ValueError, match="declares no output Outcome"):
        set_outputs(context, {"Outcome": "pass"})
    assert outputs(context) == {}


def test_set_outputs_and_write_summary__nowhere_to_write(context: Context) -> None:
    nowhere = replace(context, output_file=None, summary_file=None)
    set_outputs(nowhere, {"outcome": "pass"})
    write_summary(nowhere, "text")


def test_set_outputs__a_folder_that_is_not_mounted(context: Context, tmp_path: Path) -> None:
    lost = tmp_path / "gone/set_output"
    with pytest.raises(ToolError) as caught:
        set_outputs(replace(context, output_file=lost), {"outcome": "pass"})
    assert str(caught.value) == (
        f"The outputs of this step cannot be written to {lost}: No such file or directory. "
        "The runner prepares this file: look whether its disk is full, or whether the step's environment was changed."
    )


def test_set_outputs__a_full_disk(context: Context) -> None:
    with pytest.raises(ToolError) as caught:
        set_outputs(replace(context, output_file=Path("/dev/full")), {"outcome": "pass"})
    assert caught.value.what == "The outputs of this step cannot be written to /dev/full: No space left on device"


def test_write_summary__a_full_disk_leaves_the_file_as_it_was(context: Context) -> None:
    assert context.summary_file is not None
    write_summary(context, "first")
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from autoprof_ci.actions.step_files import _append\n"
        "from autoprof_ci.errors import ToolError\n"
        "try:\n"
        "    _append(Path(sys.argv[1]), b'x' * 100_000, 'The job summary')\n"
        "except ToolError as error:\n"
        "    print(error.what)\n"
    )

    def small_files() -> None:
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = subprocess.run(
        [sys.executable, "-c", script, context.summary_file], capture_output=True, text=True, check=True, preexec_fn=small_files
    )
    assert done.stdout == f"The job summary cannot be written to {context.summary_file}: File too large\n"
    assert context.summary_file.read_text(encoding="utf-8") == "first\n"


def test_write_summary__adds_to_what_is_there(context: Context) -> None:
    assert context.summary_file is not None
    write_summary(context, "# one")
    write_summary(context, "two\n\n\n")
    assert context.summary_file.read_text(encoding="utf-8") == "# one\ntwo\n"


def test_write_summary__never_more_than_the_runner_takes(context: Context) -> None:
    assert context.summary_file is not None
    paragraph = "🔴 äöü " * 500 + "\n\n"
    write_summary(context, paragraph * 100)
    write_summary(context, paragraph * 500)
    write_summary(context, paragraph)
    written = context.summary_file.read_bytes()
    assert MAX_SUMMARY_BYTES - 10_000 < len(written) <= MAX_SUMMARY_BYTES
    assert written.decode().count(summary_text.CUT) >= 1


def test_fit__leaves_alone_what_fits() -> None:
    assert summary_text.fit("a\n\nb\n\n", 5) == "a\n\nb\n"
    assert summary_text.fit("ü", 3) == "ü\n"


ROOM = len(summary_text.CUT.encode())


@pytest.mark.parametrize(
    ("markdown", "max_bytes", "expected"),
    [
        ("first\n\nsecond\n\n" + "x" * 200, ROOM + 20, "first\n\nsecond\n\n{cut}\n"),
        ("first\n\nsecond\n\n" + "x" * 200, ROOM + 15, "first\n\n{cut}\n"),
        ("# one\n\n```\ncode\n\nmore\n```\n\nlast " + "x" * 200, ROOM + 40, "# one\n\n```\ncode\n\nmore\n```\n\n{cut}\n"),
        ("# one\n\n```\ncode\n\nmore\n```\n\nlast " + "x" * 200, ROOM + 25, "# one\n\n{cut}\n"),
        ("# one\n\n````\n```\n\n~~~\n````\n\n" + "x" * 200, ROOM + 40, "# one\n\n````\n```\n\n~~~\n````\n\n{cut}\n"),
        (
            "<details><summary>a</summary>\n\ntext\n\n<details>\n\nmore\n\n" + "x" * 300 + "\n\n</details></details>",
            ROOM + 100,
            "<details><summary>a</summary>\n\ntext\n\n<details>\n\nmore\n</details>\n</details>\n\n{cut}\n",
        ),
        ("```\n" + "code\n\n" * 100, ROOM + 50, "{cut}\n"),
        ("x" * 1000, ROOM + 1, "{cut}\n"),
        ("x" * 1000, ROOM, ""),
        ("x" * 1000, -5, ""),
        ("`inline ``` fence`\n\nb\n\n" + "x" * 300, ROOM + 40, "`inline ``` fence`\n\nb\n\n{cut}\n"),
    ],
)
def test_fit__cuts_where_a_block_ends(markdown: str, max_bytes: int, expected: str) -> None:
    found = summary_text.fit(markdown, max_bytes)
    assert found == expected.replace("{cut}", summary_text.CUT)
    assert len(found.encode()) <= max(0, max_bytes)


TOKEN = "ghs_0123456789abcdef"


def test_take_secrets__wherever_they_are(tmp_path: Path) -> None:
    env = environments.act(
        tmp_path,
        "push",
        environments.push(),
        ACTIONS_ID_TOKEN_REQUEST_TOKEN="id-token-value",
        ACTIONS_ID_TOKEN_REQUEST_URL="https://token.example/?x=1",
        MY_HEADER=f"Authorization: Bearer {TOKEN}",
        GITHUB_TOKEN="",
    )
    expected = {
        name: value
        for name, value in env.items()
        if name
        not in {
            "INPUT_GITHUB_TOKEN",
            "GITHUB_TOKEN",
            "github_token",
            "ACTIONS_RUNTIME_TOKEN",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "MY_HEADER",
        }
    }
    assert take_secrets(env) == (TOKEN, "eyJ0.runtime.token", "id-token-value", "https://token.example/?x=1")
    assert env == expected


def test_take_secrets__nothing_there() -> None:
    env = {"PATH": "/bin", "INPUT_GITHUB_TOKEN": ""}
    assert take_secrets(env) == ()
    assert env == {"PATH": "/bin"}


def test_take_secrets__a_value_too_short_to_be_one_is_looked_for_nowhere_else() -> None:
    env = {"PATH": "/bin", "GITHUB_TOKEN": "b"}
    assert take_secrets(env) == ()
    assert env == {"PATH": "/bin"}


def test_take_secrets__a_child_inherits_none() -> None:
    script = (
        "import os, subprocess\n"
        "from autoprof_ci.actions.step_files import take_secrets\n"
        "take_secrets(os.environ)\n"
        "print(subprocess.run(['env'], capture_output=True, text=True, check=True).stdout)\n"
    )
    env = os.environ | {"INPUT_GITHUB_TOKEN": TOKEN, "github_token": TOKEN}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    assert "PATH=" in done.stdout
    assert TOKEN not in done.stdout
