"""Who asked for memory."""

from __future__ import annotations

import pytest

from autoprof_ci.measure.heaptrack_file import HeapRecord, Place
from autoprof_ci.measure.heaptrack_table import Asked, HeapRepeat, Named, combine, fold
from autoprof_ci.model import BINARY_DSO, AskedEdge, Function, InlinedCost, MemoryRepeat
from autoprof_ci.symbols import passes_on

MAIN, SCRUB, GROW = (Function(name, BINARY_DSO) for name in ("main", "autopilot::scrub", "alloc::raw_vec::RawVec::grow_one"))
POOL, LOAD = Function("pool::pool", "libstdc++.so.6"), Function("call_init", "ld-linux-x86-64.so.2")


def stacks(*rows: tuple[Function, int, int], inlined: dict[Function, tuple[str, ...]] | None = None) -> HeapRepeat:
    """A row: function, index of the calling stack, allocations: half of them temporary, 10 bytes each at the peak, 1 leaked."""
    functions = list(dict.fromkeys(function for function, _, _ in rows))
    counts = tuple(count for _, _, count in rows)
    record = HeapRecord(
        program="/a",
        places=tuple(Place("/a", functions.index(function)) for function, _, _ in rows),
        callers=tuple(caller for _, caller, _ in rows),
        allocations=counts,
        temporary=tuple(count // 2 for count in counts),
        peak_bytes=tuple(10 * count for count in counts),
        leaked_bytes=counts,
        unreadable_lines=0,
        ended=True,
    )
    return fold(
        record, lambda place: Named(function=functions[place.address], inlined=(inlined or {}).get(functions[place.address], ()))
    )


def test_fold__whoever_calls_what_passes_the_wish_on() -> None:
    repeat = stacks((MAIN, -1, 0), (SCRUB, 0, 4), (GROW, 1, 6), (GROW, 0, 2))
    assert repeat.asked == {
        SCRUB: Asked(allocations=10, temporary=5, peak_bytes=100, leaked_bytes=10),
        MAIN: Asked(allocations=2, temporary=1, peak_bytes=20, leaked_bytes=2),
    }
    assert repeat.edges == {(MAIN, SCRUB): 10}


def test_fold__nobody_but_those_who_pass_on__the_innermost() -> None:
    assert set(stacks((GROW, -1, 0), (Function("alloc::vec::Vec::push", BINARY_DSO), 0, 3)).asked) == {
        Function("alloc::vec::Vec::push", BINARY_DSO)
    }


def test_fold__what_heaptrack_brought_along__left_out() -> None:
    repeat = stacks((LOAD, -1, 0), (POOL, 0, 1), (MAIN, -1, 0), (POOL, 2, 5))
    assert {function: asked.allocations for function, asked in repeat.asked.items()} == {POOL: 5}


def test_fold__recursion__no_edge_to_itself() -> None:
    assert stacks((MAIN, -1, 0), (SCRUB, 0, 1), (SCRUB, 1, 2), (GROW, 2, 4)).edges == {(MAIN, SCRUB): 7}


def test_fold__inlined_function_that_asks__not_the_one_that_passes_on() -> None:
    repeat = stacks((MAIN, -1, 3), inlined={MAIN: ("alloc::vec::Vec::push", "autopilot::replay::step_line")})
    assert repeat.inlined == {(MAIN, "autopilot::replay::step_line"): 3}


def test_combine__aligned_and_sorted() -> None:
    first = stacks((MAIN, -1, 2), (SCRUB, 0, 4), inlined={MAIN: ("autopilot::a",)})
    second = stacks((MAIN, -1, 2))
    made = combine("w", [first, second, first])
    assert (made.name, made.functions) == ("w", (SCRUB, MAIN))
    assert made.repeats == (
        MemoryRepeat(allocations=(4, 2), temporary=(2, 1), peak_bytes=(40, 20), leaked_bytes=(4, 2)),
        MemoryRepeat(allocations=(0, 2), temporary=(0, 1), peak_bytes=(0, 20), leaked_bytes=(0, 2)),
        MemoryRepeat(allocations=(4, 2), temporary=(2, 1), peak_bytes=(40, 20), leaked_bytes=(4, 2)),
    )
    assert made.edges == (AskedEdge(caller=1, callee=0, allocations=4),)
    assert made.inlined == (InlinedCost(function=1, name="autopilot::a", cost=1.333),)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("malloc", True),
        ("alloc::vec::Vec::push", True),
        ("<alloc::string::String as core::fmt::Write>::write_str", True),
        ("<T as alloc::string::ToString>::to_string", True),
        ("<[T] as alloc::borrow::ToOwned>::to_owned", True),
        ("core::iter::adapters::map::Map::fold", True),
        ("hashbrown::raw::RawTable::reserve_rehash", True),
        ("std::collections::hash::map::HashMap::insert", True),
        ("std::vector::push_back", True),
        ("std::__cxx11::basic_string::_M_create", True),
        ("sqlite3DbMallocRawNN", True),
        ("strdup", True),
        ("autopilot::redact::redact_secrets", False),
        ("<autopilot::step::Step as core::clone::Clone>::clone", False),
        ("serde_json::de::from_str", False),
        ("std::fs::read", False),
        ("allocate_things", False),
        ("corex::f", False),
        ("std::sort", False),
        ("sqlite3VdbeExec", False),
    ],
)
def test_passes_on(name: str, expected: bool) -> None:
    assert passes_on(name) is expected
