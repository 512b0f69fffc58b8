"""What is written is read again as it was; what another version wrote is read or refused with a reason."""

from __future__ import annotations

import io
import json
import os
import string
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoprof_ci import bundle
from autoprof_ci.errors import DataError
from autoprof_ci.model import (
    Accept,
    AskedEdge,
    Bundle,
    CallEdge,
    Caveat,
    CaveatCode,
    FailOn,
    Function,
    FunctionCode,
    Group,
    InlinedCode,
    InlinedCost,
    Instrument,
    Machine,
    MemoryRepeat,
    Override,
    Policy,
    Recording,
    Run,
    Samples,
    StoredBinary,
    Threshold,
    WorkloadInstructions,
    WorkloadMemory,
    WorkloadSamples,
)
from tests import factories
from tests.golden import GOLDEN

SAMPLES_OF_SCHEMAS = GOLDEN / "bundle"


# --- strategies: every field of the model, within what a bundle may hold -------------------------------------------------

names = st.text(string.ascii_letters + string.digits + "_.+-", min_size=1, max_size=20).filter(lambda name: name[0] not in ".+-")
lines = st.text(
    st.characters(
        blacklist_categories=("Cc", "Cs", "Zl", "Zp"),
        blacklist_characters="\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    ),
    max_size=30,
)
proses = st.lists(lines, max_size=3).map("\n".join)
counts = st.one_of(st.integers(0, 10**15), st.floats(1e-12, 1e18))
ratios = st.floats(0, 1e6)
shares = st.floats(0, 1)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
functions = st.builds(Function, lines, st.none() | lines)
function_tuples = st.lists(functions, max_size=4, unique=True).map(tuple)
instruments = st.sampled_from(Instrument)
patterns = st.lists(lines, max_size=3).map(tuple)


def distinct(strategy, **limits):
    return st.lists(strategy, unique_by=lambda value: value.name, max_size=3, **limits).map(tuple)


@st.composite
def workload_samples(draw: st.DrawFn) -> WorkloadSamples:
    of = draw(function_tuples)
    aligned = st.tuples(*[counts] * len(of))
    runs = st.builds(Run, block=st.integers(0, 10**6), position=st.integers(0, 10**6), wall_s=st.floats(0, 1e9), counts=aligned)
    return WorkloadSamples(
        name=draw(names), starts=draw(st.integers(1, 10**6)), functions=of, runs=tuple(draw(st.lists(runs, max_size=3)))
    )


@st.composite
def workload_instructions(draw: st.DrawFn) -> WorkloadInstructions:
    of = draw(function_tuples)
    aligned = st.tuples(*[counts] * len(of))
    index = st.integers(0, len(of) - 1)
    edges = st.builds(CallEdge, caller=index, callee=index, calls=counts, inclusive=counts)
    return WorkloadInstructions(
        name=draw(names),
        functions=of,
        repeats=tuple(draw(st.lists(aligned, max_size=3))),
        inclusive=draw(aligned),
        calls=draw(aligned),
        edges=tuple(draw(st.lists(edges, max_size=3))) if of else (),
        inlined=tuple(draw(st.lists(st.builds(InlinedCost, function=index, name=lines, cost=counts), max_size=3))) if of else (),
    )


@st.composite
def workload_memory(draw: st.DrawFn) -> WorkloadMemory:
    of = draw(function_tuples)
    aligned = st.tuples(*[counts] * len(of))
    index = st.integers(0, len(of) - 1)
    repeats = st.builds(MemoryRepeat, allocations=aligned, temporary=aligned, peak_bytes=aligned, leaked_bytes=aligned)
    edges = st.builds(AskedEdge, caller=index, callee=index, allocations=counts)
    return WorkloadMemory(
        name=draw(names),
        functions=of,
        repeats=tuple(draw(st.lists(repeats, max_size=3))),
        edges=tuple(draw(st.lists(edges, max_size=3))) if of else (),
        inlined=tuple(draw(st.lists(st.builds(InlinedCost, function=index, name=lines, cost=counts), max_size=3))) if of else (),
    )


stored_binaries = st.builds(
    lambda debug_removed, digest, **fields: StoredBinary(
        debug_removed=debug_removed, content_sha256=digest if debug_removed else None, **fields
    ),
    debug_removed=st.booleans(),
    digest=digests,
    name=names,
    sha256=digests,
    size_bytes=st.integers(0, 1 << 40),
    build_id=st.none() | lines,
    packed=st.none() | st.binary(max_size=50),
)
thresholds = st.builds(Threshold, max_regression=ratios, warn=ratios, min_share=shares)
policies = st.builds(
    Policy,
    false_alarm_rate=st.floats(0, 1, exclude_min=True, exclude_max=True),
    fail_on=st.sampled_from(FailOn),
    thresholds=st.fixed_dictionaries(
        {Instrument.TIME: thresholds, Instrument.INSTRUCTIONS: thresholds}, optional={Instrument.MEMORY: thresholds}
    ),
    overrides=st.lists(
        st.builds(
            Override,
            match=patterns,
            workload=st.none() | lines,
            instrument=st.none() | instruments,
            metric=st.none() | lines,
            max_regression=st.none() | ratios,
            warn=st.none() | ratios,
            min_share=st.none() | shares,
        ),
        max_size=2,
    ).map(tuple),
    groups=st.lists(st.builds(Group, name=lines, match=patterns), max_size=2).map(tuple),
    accepts=st.lists(
        st.builds(
            Accept,
            match=patterns,
            up_to=ratios,
            reason=proses,
            expires=st.dates(date(1, 1, 1), date(9999, 12, 31)),
            workload=st.none() | lines,
            instrument=st.none() | instruments,
        ),
        max_size=2,
    ).map(tuple),
)
inlined_code = st.builds(InlinedCode, name=lines) | st.builds(
    InlinedCode, name=lines, file=lines, line=st.integers(0, 10**6), end_line=st.integers(0, 10**6)
)
recordings = st.builds(
    Recording,
    samples=st.none()
    | st.builds(
        Samples,
        event=lines,
        period_s=st.none() | st.floats(1e-12, 3600),
        workloads=distinct(workload_samples()),
    ),
    instructions=distinct(workload_instructions()),
    memory=distinct(workload_memory()),
    code=st.lists(
        st.builds(
            FunctionCode,
            function=functions,
            parts=st.integers(1, 10**6),
            digest=st.none() | lines,
            size_bytes=st.none() | st.integers(0, 1 << 40),
            file=st.none() | lines,
            line=st.none() | st.integers(0, 10**6),
            end_line=st.none() | st.integers(0, 10**6),
            inlined_from=st.lists(inlined_code, max_size=2).map(tuple),
        ),
        max_size=3,
        unique_by=lambda code: code.function,
    ).map(tuple),
    stacks=st.dictionaries(names, proses, max_size=2),
    failed_workloads=st.dictionaries(names, proses, max_size=2),
    caveats=st.lists(st.builds(Caveat, code=st.sampled_from(CaveatCode), detail=proses), max_size=2).map(tuple),
)
bundles = st.builds(
    Bundle,
    session=lines,
    tool_version=lines,
    created_at=st.just("") | st.datetimes().map(lambda time: f"{time:%Y-%m-%dT%H:%M:%S}Z".rjust(20, "0")),
    commit=st.none() | lines,
    ref=st.none() | lines,
    machine=st.none()
    | st.builds(
        Machine,
        architecture=lines,
        cpu_model=lines,
        cpu_features=lines,
        cpus=st.integers(1, 10**6),
        kernel=lines,
        libc=lines,
        perf=st.none() | lines,
        valgrind=st.none() | lines,
        heaptrack=st.none() | lines,
        sandbox=st.none() | lines,
    ),
    policy=st.none() | policies,
    workload_digests=st.dictionaries(names, lines, max_size=2),
    recording=recordings,
    binaries=distinct(stored_binaries),
)


# --- round trips ---------------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(bundles)
def test_decode__what_encode_wrote(value: Bundle) -> None:
    assert bundle.decode(bundle.encode(value), source="a.zip") == value


def test_decode__empty_recording() -> None:
    value = factories.bundle(of=Recording())
    assert bundle.decode(bundle.encode(value), source="a.zip") == value


def test_encode__equal_bundles__equal_bytes() -> None:
    value = factories.bundle(binaries=(factories.binary(packed=b"packed"),))
    turned = replace(value, workload_digests=dict(reversed(value.workload_digests.items())))
    assert bundle.encode(turned) == bundle.encode(value)


def test_encode__sandbox_of_the_machine__only_where_there_is_one() -> None:
    kept = {}
    for sandbox in (None, "container with CAP_SYS_ADMIN"):
        data = bundle.encode(replace(factories.bundle(), machine=replace(factories.machine(), sandbox=sandbox)))
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            kept[sandbox] = json.loads(archive.read("manifest.json"))["machine"].get("sandbox", "not there")
        assert bundle.decode(data, source="a.zip").machine == replace(factories.machine(), sandbox=sandbox)
    assert kept == {None: "not there", "container with CAP_SYS_ADMIN": "container with CAP_SYS_ADMIN"}


def test_encode__members_and_their_order() -> None:
    value = factories.bundle(binaries=(factories.binary(packed=b"packed"), factories.binary(name="autopilotd")))
    with zipfile.ZipFile(io.BytesIO(bundle.encode(value))) as archive:
        assert archive.namelist() == [
            "manifest.json",
            "samples.json",
            "instructions.json",
            "code.json",
            "stacks/analyze-sessions.folded",
            "binaries/autopilot.zst",
            "time.json",
        ]


def test_encode__with_memory__a_member_of_its_own() -> None:
    value = factories.bundle(of=replace(factories.recording(), memory=(factories.workload_memory(),)))
    data = bundle.encode(value)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert "memory.json" in archive.namelist()
    assert bundle.decode(data, source="a.zip") == value


def test_encode__text_that_a_log_cannot_show__escaped() -> None:
    code = FunctionCode(function=Function("evil\x1b[31m\u202e", "lib\n.so"), file="a\tb\x00")
    recording = Recording(code=(code,), failed_workloads={"w": "first\nlast\r\x07"}, stacks={"w": "a\x1b;b 1\n"})
    value = bundle.decode(bundle.encode(factories.bundle(of=recording)), source="a.zip")
    assert value.recording == Recording(
        code=(FunctionCode(function=Function("evil\\x1b[31m\\u202e", "lib\\x0a.so"), file="a\\x09b\\x00"),),
        failed_workloads={"w": "first\nlast\\x0d\\x07"},
        stacks={"w": "a\\x1b;b 1\n"},
    )


def test_encode__long_prose__cut() -> None:
    recording = Recording(failed_workloads={"w": "x" * 30_000}, caveats=())
    value = bundle.decode(bundle.encode(factories.bundle(of=recording)), source="a.zip")
    assert value.recording.failed_workloads == {"w": "x" * 19_999 + "…"}


@pytest.mark.parametrize(
    ("recording", "message"),
    [
        (
            Recording(samples=factories.samples(factories.workload_samples([[1, float("nan"), 0, 0]]))),
            "samples.json, workloads[0].runs[0].counts[1]: expected `float`, got `null`",
        ),
        (
            Recording(samples=factories.samples(factories.workload_samples(name="../etc"))),
            "member stacks/../etc.folded does not belong in a bundle",
        ),
    ],
    ids=["nan", "unsafe-name"],
)
def test_encode__what_could_not_be_read_again(recording: Recording, message: str) -> None:
    if recording.samples and recording.samples.workloads[0].name == "../etc":
        recording = replace(recording, stacks={"../etc": "a 1\n"})
    with pytest.raises(DataError) as error:
        bundle.encode(factories.bundle(of=recording))
    assert error.value.what == f"what was measured cannot be kept as a bundle: {message}"
    assert error.value.next_step == "If autoprof-ci itself wrote that value, please report it"


# --- other versions ------------------------------------------------------------------------------------------------------


def test_decode__sample_of_schema_1() -> None:
    """The committed file of each schema that was released is read for ever, and means what it meant."""
    path = SAMPLES_OF_SCHEMAS / "schema-1.bundle.zip"
    if os.environ.get("AUTOPROF_BLESS") == "1" and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bundle.encode(_sample_of_schema_1()))
    assert bundle.decode(path.read_bytes(), source=path.name) == _sample_of_schema_1()


def _sample_of_schema_1() -> Bundle:
    return factories.bundle(
        binaries=(bundle.pack_binary("autopilot", b"\x7fELF and no more"), factories.binary(name="autopilotd"))
    )


# --- the suite for pyperf ------------------------------------------------------------------------------------------------


def test_time_suite__values_in_seconds_per_start() -> None:
    suite = bundle.time_suite(factories.bundle())
    assert suite is not None
    document = json.loads(suite)
    assert {entry["metadata"]["name"]: [run["values"] for run in entry["runs"]] for entry in document["benchmarks"]} == {
        "analyze-sessions/[total]": [[pytest.approx(0.1000833333)], [pytest.approx(0.0985416667)]],
        "analyze-sessions/{binary}/autopilot::redact::redact_secrets": [[pytest.approx(0.05)], [pytest.approx(0.0516666667)]],
        "analyze-sessions/{binary}/<serde_json::read::StrRead as serde_json::read::Read>::parse_str": [
            [pytest.approx(0.0334166667)],
            [pytest.approx(0.0317083333)],
        ],
        "analyze-sessions/libc.so.6/malloc": [[pytest.approx(0.0166666667)], [pytest.approx(0.015)]],
    }
    assert document["metadata"] == {"autoprof_ci_version": "0.1.0", "commit_id": "a9743d4c37d93b", "unit": "second"}


def test_time_suite__cold_function_or_zero_in_a_run__left_out() -> None:
    samples = factories.samples(factories.workload_samples([[900, 4, 50, 46], [900, 4, 0, 96]]))
    suite = bundle.time_suite(factories.bundle(of=factories.recording(time=samples)))
    assert suite is not None
    assert [entry["metadata"]["name"] for entry in json.loads(suite)["benchmarks"]] == [
        "analyze-sessions/[total]",
        "analyze-sessions/{binary}/autopilot::redact::redact_secrets",
        "analyze-sessions/[kernel]/[kernel]",
    ]


@pytest.mark.parametrize(
    "samples",
    [
        factories.samples(period_s=None),
        factories.samples(factories.workload_samples([])),
        factories.samples(factories.workload_samples([[0, 0, 0, 0]])),
    ],
    ids=["period-unknown", "no-runs", "nothing-sampled"],
)
def test_time_suite__no_seconds__no_member(samples: Samples) -> None:
    value = factories.bundle(of=factories.recording(time=samples))
    assert bundle.time_suite(value) is None
    with zipfile.ZipFile(io.BytesIO(bundle.encode(value))) as archive:
        assert "time.json" not in archive.namelist()


def test_time_suite__pyperf_compares_two(tmp_path: Path) -> None:
    steady = [[300 + number % 3, 200 + number % 5, 100 + number % 2, 1] for number in range(10)]
    slower = [[count * 1.5 if index == 1 else count for index, count in enumerate(run)] for run in steady]
    for name, counts_by_run in (("a.json", steady), ("b.json", slower)):
        samples = factories.samples(factories.workload_samples(counts_by_run))
        data = bundle.encode(factories.bundle(of=factories.recording(time=samples)))
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            (tmp_path / name).write_bytes(archive.read("time.json"))
    command = [sys.executable, "-m", "pyperf", "compare_to", "a.json", "b.json"]
    output = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    parse_str = "analyze-sessions/{binary}/<serde_json::read::StrRead as serde_json::read::Read>::parse_str"
    assert output.splitlines() == [
        "analyze-sessions/[total]: Mean +- std dev: [a] 101 ms +- 0 ms -> [b] 118 ms +- 0 ms: 1.17x slower",
        f"{parse_str}: Mean +- std dev: [a] 33.7 ms +- 0.2 ms -> [b] 50.5 ms +- 0.4 ms: 1.50x slower",
        "",
        "Benchmark hidden because not significant (2): analyze-sessions/{binary}/autopilot::redact::redact_secrets, "
        "analyze-sessions/libc.so.6/malloc",
        "",
        "Geometric mean: 1.15x slower",
    ]
