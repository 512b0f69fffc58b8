"""The step's inputs: defaults, words, sentences about wrong ones; and which mode fits which event."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoprof_ci.actions.inputs import ChartsWhere, CommentWhen, Inputs, Mode, read, resolve_mode
from autoprof_ci.errors import UsageError
from autoprof_ci.model import FailOn
from tests.test_actions import environments
from tests.test_actions.environments import FORK, OURS, PULL_VARIABLES


def test_read__nothing_given() -> None:
    expected = Inputs(
        binary=None,
        config=None,
        baseline=None,
        mode=Mode.AUTO,
        charts=ChartsWhere.AUTO,
        key="default",
        workloads=(),
        github_token=None,
        comment=CommentWhen.ALWAYS,
        fail_on=None,
    )
    assert read({}) == expected
    assert read({f"INPUT_{name.upper()}": " " for name in environments.INPUTS}) == expected


def test_read__everything_given() -> None:
    env = {
        "INPUT_BINARY": "target/release/autopilot",
        "INPUT_CONFIG": "perf/autoprof.toml",
        "INPUT_BASELINE": "old.bundle.zip",
        "INPUT_MODE": "part",
        "INPUT_CHARTS": "text",
        "INPUT_KEY": "linux-arm64_2",
        "INPUT_WORKLOADS": "run-fix-bug, analyze\r\nlong one\n\nanalyze,",
        "INPUT_GITHUB_TOKEN": "ghs_secret",
        "INPUT_COMMENT": "on_change",
        "INPUT_FAIL_ON": "never\n",
    }
    assert read(env) == Inputs(
        binary="target/release/autopilot",
        config="perf/autoprof.toml",
        baseline="old.bundle.zip",
        mode=Mode.PART,
        charts=ChartsWhere.TEXT,
        key="linux-arm64_2",
        workloads=("run-fix-bug", "analyze", "long one"),
        github_token="ghs_secret",
        comment=CommentWhen.ON_CHANGE,
        fail_on=FailOn.NEVER,
    )
    assert "ghs_secret" not in repr(read(env))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "mode",
            "gaet",
            'The input "mode" is "gaet", not one of auto, gate, record, part, merge, comment. Did you mean "gate"?',
        ),
        ("mode", "Gate", 'The input "mode" is "Gate", not one of auto, gate, record, part, merge, comment. Did you mean "gate"?'),
        (
            "charts",
            "https://x",
            'The input "charts" is "https://x", not one of auto, branch, text, none. Leave it out for the default.',
        ),
        (
            "comment",
            "on-change",
            'The input "comment" is "on-change", not one of always, on_change, never. Did you mean "on_change"?',
        ),
        (
            "fail_on",
            "true",
            'The input "fail_on" is "true", not one of regression, inconclusive, never. Leave it out for the default.',
        ),
        (
            "key",
            "a/b",
            'The input "key" is "a/b", not at most 40 letters, digits, "-" and "_". '
            "It becomes part of artifact names, so choose a short word for each program or platform.",
        ),
        (
            "key",
            "x" * 41,
            f'The input "key" is "{"x" * 41}", not at most 40 letters, digits, "-" and "_". '
            "It becomes part of artifact names, so choose a short word for each program or platform.",
        ),
        (
            "binary",
            "a\nb",
            'The input "binary" is "a\\nb", not one printable line. Give one path.',
        ),
        (
            "workloads",
            "a\x1b[1mb",
            'The input "workloads" has the name "a\\x1b[1mb". Separate names by commas or line breaks.',
        ),
        (
            "workloads",
            ",".join(map(str, range(101))),
            'The input "workloads" has 101 names. Give at most 100, or none for all.',
        ),
    ],
)
def test_read__a_wrong_input(name: str, value: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read({f"INPUT_{name.upper()}": value})
    assert str(caught.value) == message


@pytest.mark.parametrize("key", ["-->", "a b", "ä", "a\nb", "..", "%2e", "a:b", "<!--"])
def test_read__a_key_that_would_be_more_than_a_word(key: str) -> None:
    with pytest.raises(UsageError):
        read({"INPUT_KEY": key})


BRANCH = {"GITHUB_REF": "refs/heads/work", "GITHUB_REF_NAME": "work"}
QUEUE = {"GITHUB_REF": "refs/heads/gh-readonly-queue/main/pr-1-abc", "GITHUB_REF_PROTECTED": "true"}
TAG = {"GITHUB_REF": "refs/tags/main", "GITHUB_REF_NAME": "main", "GITHUB_REF_PROTECTED": "true"}
WITHOUT_REPOSITORY: dict[str, object] = {}


@pytest.mark.parametrize(
    ("event_name", "event", "variables", "mode"),
    [
        ("push", environments.push(), {}, Mode.RECORD),
        ("push", environments.push(), BRANCH, Mode.GATE),
        ("push", environments.push(), {**BRANCH, "GITHUB_REF_PROTECTED": "true"}, Mode.RECORD),
        ("push", environments.push(), TAG, Mode.GATE),
        ("push", environments.push(), QUEUE, Mode.GATE),
        ("push", WITHOUT_REPOSITORY, {}, Mode.RECORD),
        ("push", WITHOUT_REPOSITORY, BRANCH, Mode.GATE),
        ("schedule", {"schedule": "0 3 * * *"}, {}, Mode.RECORD),
        ("workflow_dispatch", environments.push(), {}, Mode.RECORD),
        ("workflow_dispatch", environments.push(), BRANCH, Mode.GATE),
        ("pull_request", environments.pull_request(), PULL_VARIABLES, Mode.GATE),
        ("pull_request", environments.pull_request(FORK), PULL_VARIABLES, Mode.GATE),
        ("merge_group", environments.merge_group(), {}, Mode.GATE),
        ("workflow_run", environments.workflow_run(), {}, Mode.COMMENT),
    ],
)
def test_resolve_mode__auto(tmp_path: Path, event_name: str, event: object, variables: dict[str, str], mode: Mode) -> None:
    assert resolve_mode(Inputs(), environments.context(tmp_path, event_name, event, **variables)) is mode


@pytest.mark.parametrize("mode", [Mode.GATE, Mode.RECORD, Mode.PART, Mode.MERGE])
def test_resolve_mode__what_was_asked_for(tmp_path: Path, mode: Mode) -> None:
    context = environments.context(tmp_path, "issue_comment", environments.push())
    assert resolve_mode(Inputs(mode=mode), context) is mode


def test_resolve_mode__auto_on_an_event_we_do_not_know(tmp_path: Path) -> None:
    context = environments.context(tmp_path, "issue_comment", environments.push())
    with pytest.raises(UsageError) as caught:
        resolve_mode(Inputs(), context)
    assert str(caught.value) == (
        'The mode "auto" has no answer to the event "issue_comment". '
        "Say `mode: gate` to judge or `mode: record` to make a baseline, or run on push and pull_request."
    )


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.GATE, Mode.RECORD, Mode.PART])
@pytest.mark.parametrize("head", [OURS, FORK, None], ids=["ours", "fork", "deleted"])
def test_resolve_mode__never_measures_on_pull_request_target(tmp_path: Path, mode: Mode, head: dict[str, object] | None) -> None:
    context = environments.context(tmp_path, "pull_request_target", environments.pull_request(head))
    with pytest.raises(UsageError) as caught:
        resolve_mode(Inputs(mode=mode), context)
    said = "gate" if mode is Mode.AUTO else mode
    assert str(caught.value) == (
        f'The mode "{said}" would start the program of a pull request on pull_request_target, where it runs beside a token '
        "that can write and the secrets of this repository. Measure on `pull_request`, and let a second workflow on "
        "`workflow_run` with `mode: comment` write the comment (examples/workflows/ has the pair)."
    )


@pytest.mark.parametrize(
    ("head", "event", "allowed"),
    [
        (OURS, "push", True),
        (OURS, "schedule", True),
        (OURS, "pull_request", False),
        (FORK, "push", False),
        (FORK, "pull_request", False),
        (None, "push", False),
    ],
)
def test_resolve_mode__measures_on_workflow_run_only_what_is_ours(
    tmp_path: Path, head: dict[str, object] | None, event: str, allowed: bool
) -> None:
    context = environments.context(tmp_path, "workflow_run", environments.workflow_run(head, event))
    if allowed:
        assert resolve_mode(Inputs(mode=Mode.RECORD), context) is Mode.RECORD
        return
    with pytest.raises(UsageError) as caught:
        resolve_mode(Inputs(mode=Mode.RECORD), context)
    assert caught.value.what == (
        'The mode "record" would start the program of a pull request on workflow_run, where the token can write'
    )


@pytest.mark.parametrize("event_name", ["push", "pull_request", "pull_request_target", "schedule", "merge_group"])
def test_resolve_mode__comments_only_on_workflow_run(tmp_path: Path, event_name: str) -> None:
    context = environments.context(tmp_path, event_name, environments.push())
    with pytest.raises(UsageError) as caught:
        resolve_mode(Inputs(mode=Mode.COMMENT), context)
    assert str(caught.value) == (
        f'The mode "comment" writes what a finished run measured, and the event here is {event_name}. '
        "Use it in a workflow with `on: workflow_run`; everywhere else the modes gate and merge comment by themselves."
    )
