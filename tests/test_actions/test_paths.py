"""Paths of the runner's machine, seen from inside the container."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoprof_ci.actions.context import Context
from autoprof_ci.actions.inputs import workspace_path
from autoprof_ci.errors import UsageError
from tests.test_actions import environments

HOST = "/home/runner/work/app/app"


@pytest.fixture
def context(tmp_path: Path) -> Context:
    found = environments.context(tmp_path, "push", environments.push())
    (found.workspace / "target/release").mkdir(parents=True)
    (found.workspace / "target/release/app").write_text("program", encoding="utf-8")
    return found


@pytest.mark.parametrize(
    "name",
    [
        "target/release/app",
        "./target/release/app",
        "target/../target//release/app",
        "{workspace}/target/release/app",
        f"{HOST}/target/release/app",
        f"{HOST}/x/../target/release/app",
    ],
)
def test_workspace_path__one_file_by_all_its_names(context: Context, name: str) -> None:
    expected = context.workspace / "target/release/app"
    assert workspace_path(name.replace("{workspace}", str(context.workspace)), context) == expected


def test_workspace_path__the_workspace_itself(context: Context) -> None:
    assert [workspace_path(name, context) for name in (".", HOST)] == [context.workspace] * 2


def test_workspace_path__a_folder_that_only_begins_alike(context: Context) -> None:
    with pytest.raises(UsageError):
        workspace_path(f"{HOST}-2/target/release/app", context)


def test_workspace_path__a_file_of_the_workspace_that_is_not_there(context: Context) -> None:
    found = [workspace_path(name, context) for name in ("target/debug/app", f"{HOST}/target/debug/app")]
    assert found == [context.workspace / "target/debug/app"] * 2


def test_workspace_path__a_file_of_the_container(context: Context, tmp_path: Path) -> None:
    (tmp_path / "runner_temp/app").write_text("program", encoding="utf-8")
    assert workspace_path(str(tmp_path / "runner_temp/app"), context) == tmp_path / "runner_temp/app"


def test_workspace_path__without_the_hosts_folder(context: Context) -> None:
    on_act = replace(context, runner_workspace=None)
    assert workspace_path("target/release/app", on_act) == context.workspace / "target/release/app"
    with pytest.raises(UsageError):
        workspace_path(f"{HOST}/target/release/app", on_act)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("/home/runner/.cargo/bin/app", "/home/runner/.cargo/bin/app lies outside"),
        ("~/bin/app", "~/bin/app is the home folder of the runner, which lies outside"),
        ("../../../nowhere/app", "../../../nowhere/app is /nowhere/app, which lies outside"),
    ],
)
def test_workspace_path__what_only_the_runner_sees(context: Context, name: str, start: str) -> None:
    nested = replace(context, workspace=Path("/a/b/c"))
    with pytest.raises(UsageError) as caught:
        workspace_path(name, nested)
    assert str(caught.value) == (
        f"{start} of the workspace, and the Action's container sees nothing else of the runner. "
        "Build into the workspace or copy the file there, and name it relative to /a/b/c."
    )


@pytest.mark.parametrize("name", ["", "a\0b", "a\nb", "\x1b[1m"])
def test_workspace_path__no_path_at_all(context: Context, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        workspace_path(name, context)
    assert caught.value.what == f"The path {name!a} is not one printable line"


@pytest.mark.parametrize("link", [f"{HOST}/target", "target", "../workspace/target"])
def test_workspace_path__follows_links_as_the_host_would(context: Context, link: str) -> None:
    (context.workspace / "build").symlink_to(link)
    found = workspace_path("build/release/app", context)
    assert found.read_text(encoding="utf-8") == "program"
    assert found.resolve() == context.workspace / "target/release/app"


def test_workspace_path__a_link_out_of_the_workspace(context: Context) -> None:
    (context.workspace / "bazel-bin").symlink_to("/home/runner/.cache/bazel/bin")
    with pytest.raises(UsageError) as caught:
        workspace_path("bazel-bin/app", context)
    assert caught.value.what == (
        "bazel-bin/app is /home/runner/.cache/bazel/bin/app, which lies outside of the workspace, "
        "and the Action's container sees nothing else of the runner"
    )


@pytest.mark.parametrize("target", ["/proc/1/environ", "/proc/self/environ", "/etc/passwd", "../../../../../../../../etc/passwd"])
def test_workspace_path__a_link_to_the_containers_own_files(context: Context, target: str) -> None:
    (context.workspace / "autoprof.toml").symlink_to(target)
    with pytest.raises(UsageError) as caught:
        workspace_path("autoprof.toml", context)
    assert "lies outside of the workspace" in caught.value.what


def test_workspace_path__a_link_to_the_runners_temporary_folder(context: Context) -> None:
    (context.temp / "build").mkdir()
    (context.temp / "build/app").write_text("program", encoding="utf-8")
    (context.workspace / "build").symlink_to(context.temp / "build")
    assert workspace_path("build/app", context).read_text(encoding="utf-8") == "program"


def test_workspace_path__a_dangling_link_inside(context: Context) -> None:
    (context.workspace / "latest").symlink_to("v2")
    assert workspace_path("latest/app", context) == context.workspace / "v2/app"


def test_workspace_path__links_in_a_circle(context: Context) -> None:
    (context.workspace / "a").symlink_to("b")
    (context.workspace / "b").symlink_to("a")
    with pytest.raises(UsageError) as caught:
        workspace_path("a", context)
    assert caught.value.what == "a goes through more than 40 symbolic links"


def test_workspace_path__a_name_longer_than_any_file_has(context: Context) -> None:
    name = "x" * 5000
    with pytest.raises(UsageError) as caught:
        workspace_path(name, context)
    assert caught.value.what.endswith("cannot be looked at: File name too long")


PARTS = st.sampled_from(["..", ".", "target", "release", "app", "~", HOST, "/", "//", "proc", "self", "-", "*", "$(id)", "ü"])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.one_of(st.lists(PARTS, max_size=8).map("/".join), st.text()))
def test_workspace_path__any_name_is_a_path_or_refused(context: Context, name: str) -> None:
    try:
        found = workspace_path(name, context)
    except UsageError as error:
        assert error.what
    else:
        assert found.is_absolute()
        assert found.exists() or found.is_relative_to(context.workspace)
