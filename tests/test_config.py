from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from autoprof_ci import config
from autoprof_ci.errors import ConfigError
from autoprof_ci.model import (
    Accept,
    AgentDelays,
    Config,
    Daemon,
    ExpectOutput,
    FailOn,
    Group,
    Instrument,
    MeasureSettings,
    Network,
    Override,
    Policy,
    SandboxKind,
    Threshold,
    Workload,
)
from tests.golden import GOLDEN

TIME, INSTRUCTIONS, MEMORY = Instrument
EVERY_KEY = (GOLDEN / "config/every-key.toml").read_text(encoding="utf-8")
DEFAULT_THRESHOLDS = {
    TIME: Threshold(max_regression=0.03, warn=0.015, min_share=0.01),
    INSTRUCTIONS: Threshold(max_regression=0.01, warn=0.005, min_share=0.01),
    MEMORY: Threshold(max_regression=0.01, warn=0.005, min_share=0.01),
}


def policy_of(text: str) -> Policy:
    return config.parse_settings(text, source="autoprof.toml").policy


def test_parse__every_key() -> None:
    assert config.parse(EVERY_KEY, source="autoprof.toml") == Config(
        binary="build/tool",
        extra_binaries=("build/toold", "build/tool-helper", "build/tool2"),
        measure=MeasureSettings(
            instruments=(INSTRUCTIONS,),
            runs=6,
            min_run_s=2.0,
            frequency_hz=997,
            time_limit_s=90.5,
            sandbox=SandboxKind.NONE,
            network=Network.HOST,
        ),
        policy=Policy(
            false_alarm_rate=0.01,
            fail_on=FailOn.INCONCLUSIVE,
            thresholds={
                TIME: Threshold(max_regression=0.08, warn=0.05, min_share=0.02),
                INSTRUCTIONS: Threshold(max_regression=0.005, warn=0.0025, min_share=0.01),
                MEMORY: Threshold(max_regression=0.04, warn=0.02, min_share=0.01),
            },
            overrides=(
                Override(match=("serde_json::*",), max_regression=0.1, warn=0.05),
                Override(
                    match=("[total]", "JSON"), workload="second", instrument=TIME, metric="self_time", warn=0.025, min_share=0.005
                ),
            ),
            groups=(Group(name="JSON", match=("serde_json::*",)), Group(name="Regex matching", match=("regex*::*", "memchr::*"))),
            accepts=(
                Accept(match=("tool::redact::*",), up_to=0.12, reason="scrubs two more key formats", expires=date(2027, 1, 31)),
                Accept(
                    match=("[total]",),
                    up_to=0.015,
                    reason="größer",
                    expires=date(2000, 2, 29),
                    workload="second",
                    instrument=INSTRUCTIONS,
                ),
            ),
        ),
        workloads=(
            Workload(name="first", command=("{binary}", "--literal", "{{braces}}", "")),
            Workload(
                name="second",
                command=("{toold}", "{data}/x", "{scratch}", "{tool_helper}"),
                inputs=("bench/", "./one.json"),
                instructions_command=("{binary}", "small"),
                setup=(("git", "init"), ("cp", "a", "{scratch}/b")),
                stdin="bench/in.json",
                env={"RUST_LOG": "off", "EMPTY": ""},
                timeout_s=2.5,
                expect_exit=3,
                expect_output=ExpectOutput.SAME,
                runs=20,
                instruments=(TIME, INSTRUCTIONS),
                agent="{data}/agent/fix-bug.jsonl",
                agent_delays=AgentDelays.RECORDED,
            ),
        ),
    )


def test_parse__daemon() -> None:
    text = """
    [[workload]]
    name = "driven"
    kind = "daemon"
    command = ["{binary}", "serve"]
    ready = "listening on"
    driver = ["{binary}", "ping", "{scratch}"]
    duration_seconds = 2.5
    stop_signal = "SIGINT"
    [[workload]]
    name = "watched"
    kind = "daemon"
    command = ["{binary}", "serve"]
    ready = "up"
    duration_seconds = 10
    """
    driven, watched = (workload.daemon for workload in config.parse(text, source="autoprof.toml").workloads)
    ping = ("{binary}", "ping", "{scratch}")
    assert driven == Daemon(ready="listening on", driver=ping, duration_s=2.5, stop_signal="SIGINT")
    assert watched == Daemon(ready="up", duration_s=10)


def test_parse__shortest_file_has_all_defaults() -> None:
    assert config.parse('[[workload]]\nname = "a"\ncommand = ["{binary}"]\n', source="autoprof.toml") == Config(
        binary=None,
        extra_binaries=(),
        measure=MeasureSettings(),
        policy=config.default_policy(),
        workloads=(Workload(name="a", command=("{binary}",)),),
    )


def test_parse_settings__needs_no_workload() -> None:
    assert config.parse_settings("false_alarm_rate = 0.01\n", source="autoprof.toml") == Config(
        binary=None,
        extra_binaries=(),
        measure=MeasureSettings(),
        policy=replace(config.default_policy(), false_alarm_rate=0.01),
        workloads=(),
    )


def test_default_policy__values() -> None:
    assert config.default_policy() == Policy(false_alarm_rate=0.001, fail_on=FailOn.REGRESSION, thresholds=DEFAULT_THRESHOLDS)


def test_default_measure__is_that_of_the_model() -> None:
    assert config.default_measure() == MeasureSettings()


def test_parse__whole_number_where_a_fraction_may_stand_becomes_a_float() -> None:
    measure = config.parse_settings("[measure]\nmin_run_seconds = 2\n", source="autoprof.toml").measure
    assert isinstance(measure.min_run_s, float)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ("max_regression_percent = 1.0", Threshold(max_regression=0.01, warn=0.005, min_share=0.01)),
        ("warn_percent = 2.0", Threshold(max_regression=0.03, warn=0.02, min_share=0.01)),
        ("warn_percent = 3.0", Threshold(max_regression=0.03, warn=0.03, min_share=0.01)),
        ("min_share_percent = 0.5", Threshold(max_regression=0.03, warn=0.015, min_share=0.005)),
    ],
)
def test_parse__one_limit_of_an_instrument(limits: str, expected: Threshold) -> None:
    assert policy_of(f"[thresholds.time]\n{limits}\n").thresholds == {**DEFAULT_THRESHOLDS, TIME: expected}


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ("max_regression_percent = 10.0", Override(match=("x",), max_regression=0.1, warn=0.05)),
        ("max_regression_percent = 10.0\nwarn_percent = 10", Override(match=("x",), max_regression=0.1, warn=0.1)),
        ("warn_percent = 0.1", Override(match=("x",), warn=0.001)),
        ("min_share_percent = 5", Override(match=("x",), min_share=0.05)),
    ],
)
def test_parse__one_limit_of_an_override(limits: str, expected: Override) -> None:
    assert policy_of(f'[[thresholds.override]]\nmatch = "x"\n{limits}\n').overrides == (expected,)


def test_parse__memory_thresholds_may_stand_there_already() -> None:
    assert policy_of("[thresholds.memory]\nmax_regression_percent = 4\n").thresholds[MEMORY].max_regression == 0.04


def test_parse__names_of_workloads_that_no_file_declares() -> None:
    text = '[[workload]]\nname = "a"\ncommand = ["{binary}"]\n'
    for name in ("a", "folded", "command"):
        entry = f'[[thresholds.override]]\nmatch = "x"\nworkload = "{name}"\nwarn_percent = 0.1\n'
        assert policy_of(text + entry).overrides[0].workload == name


def test_parse__file_for_compare_may_name_any_workload() -> None:
    assert policy_of('[[thresholds.override]]\nmatch = "x"\nworkload = "z"\nwarn_percent = 0.1\n').overrides[0].workload == "z"


def test_parse__stdin_that_setup_makes() -> None:
    text = '[[workload]]\nname = "a"\ncommand = ["{binary}"]\nstdin = "made.json"\nsetup = [["make", "made.json"]]\n'
    assert config.parse(text, source="autoprof.toml").workloads[0].stdin == "made.json"


@pytest.mark.parametrize("path", ["a", "./a", "a/b.c", "..a", ".gitignore", "a/.gitkeep", "a b", "größe/", "..."])
def test_parse__inputs_inside_the_folder(path: str) -> None:
    text = f'[[workload]]\nname = "a"\ncommand = ["{{binary}}"]\ninputs = ["{path}"]\n'
    assert config.parse(text, source="autoprof.toml").workloads[0].inputs == (path,)


@pytest.mark.parametrize(
    "path", ["", ".", "./", "./.", "a/.", "a/..", "../a", "/", "/a", "//a", "a//b", ".git", "a/.git/", "a\\u0000", "a\\n"]
)
def test_parse__inputs_outside_the_folder(path: str) -> None:
    with pytest.raises(ConfigError, match=r"workload\[a\]\.inputs\[#1\]: expected a path below this file's folder"):
        config.parse(f'[[workload]]\nname = "a"\ncommand = ["{{binary}}"]\ninputs = ["{path}"]\n', source="autoprof.toml")


def test_ad_hoc__one_workload_with_the_defaults() -> None:
    assert config.ad_hoc(["analyze", "{data}/x", "{{}}"]) == Config(
        binary=None,
        extra_binaries=(),
        measure=MeasureSettings(),
        policy=config.default_policy(),
        workloads=(Workload(name="command", command=("{binary}", "analyze", "{data}/x", "{{}}")),),
    )


def test_ad_hoc__unknown_placeholder() -> None:
    with pytest.raises(ConfigError) as caught:
        config.ad_hoc(["{date}"])
    assert str(caught.value) == (
        "the command after --: workload[command].command: the placeholder {date} is unknown. Did you mean {data}?"
    )
