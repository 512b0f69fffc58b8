"""What our artifacts are called, and which of a list are the ones that count."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from autoprof_ci.actions import artifact_names
from autoprof_ci.errors import UsageError


@dataclass(frozen=True)
class Entry:
    name: str


def entries(*names: str) -> tuple[Entry, ...]:
    return tuple(Entry(name) for name in names)


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("default", ("autoprof-baseline", "autoprof-report-2", "autoprof-part-59b271ae-2")),
        ("arm-64", ("autoprof-baseline-arm-64", "autoprof-report-arm-64-2", "autoprof-part-arm-64-59b271ae-2")),
    ],
)
def test_names__of_a_key(key: str, names: tuple[str, str, str]) -> None:
    made = (artifact_names.baseline(key), artifact_names.report(key, 2), artifact_names.part(key, ["b", "a"], 2))
    assert made == names


def test_part__of_the_same_workloads_in_another_order__is_the_same() -> None:
    assert artifact_names.part("k", ["a", "b", "a"], 1) == artifact_names.part("k", ["b", "a"], 1)
    assert artifact_names.part("k", ["a", "b"], 1) != artifact_names.part("k", ["ab"], 1)


def test_parts_of__keeps_of_each_part_the_newest_attempt_of_this_key() -> None:
    listed = entries(
        "autoprof-part-x-0000000a-1",
        "autoprof-part-x-0000000a-10",
        "autoprof-part-x-0000000a-9",
        "autoprof-part-x-0000000b-1",
        "autoprof-part-0000000c-1",
        "autoprof-part-x-y-0000000d-1",
        "autoprof-part-x-0000000E-1",
        "autoprof-part-x-0000000e-0",
        "autoprof-part-x-0000000e-1\n",
        "autoprof-part-x-0000000e-" + "9" * 5000,
        "xautoprof-part-x-0000000e-1",
    )
    assert artifact_names.parts_of(listed, "x") == entries("autoprof-part-x-0000000a-10", "autoprof-part-x-0000000b-1")
    assert artifact_names.parts_of(listed, "default") == entries("autoprof-part-0000000c-1")
    assert artifact_names.parts_of(listed, "other") == ()


def test_parts_of__a_key_that_is_a_pattern__is_taken_literally() -> None:
    assert artifact_names.parts_of(entries("autoprof-part-xy-0000000a-1"), "x.") == ()


def test_newest_report__is_of_the_highest_attempt_of_this_key() -> None:
    listed = entries(
        "autoprof-report-9", "autoprof-report-10", "autoprof-report-x-11", "autoprof-report-12-1", "autoprof-report-"
    )
    assert artifact_names.newest_report(listed, "default") == Entry("autoprof-report-10")
    assert artifact_names.newest_report(listed, "x") == Entry("autoprof-report-x-11")
    assert artifact_names.newest_report(listed, "12") == Entry("autoprof-report-12-1")
    assert artifact_names.newest_report(listed, "y") is None


@pytest.mark.parametrize("key", ["a/b", "a\\b", 'a"b', "a:b", "a*", "a?", "a<", "a>", "a|", "a\r", "a\n", "a\0", "x" * 300])
def test_names__of_an_impossible_key__are_refused(key: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of an artifact"):
        artifact_names.baseline(key)
