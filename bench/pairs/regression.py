# ruff: noqa: E501 (Rust as it stands in the file)
"""Pairs with one seeded regression: one function, or what it calls, costs 1, 2, 5, 10 or 20 % more.

Each seed turns a percentage into edits; `scale` is what makes the percentage true of this program, found by counting. What is
added is work that the compiler cannot see through (`black_box`), so that it changes nothing that is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from autoprof_ci.model import ReasonCode
from bench.pairs.pair import Edit, Expected, Front, Kind, Pair, PairClass, Replace

PERCENTS = (1, 2, 5, 10, 20)

COUNTER = """use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

static TURN: AtomicUsize = AtomicUsize::new(0);

/// True of so many of a thousand turns, evenly spread.
#[inline]
fn is_turn(of_thousand: usize) -> bool {
    (TURN.fetch_add(1, Relaxed) * 617) % 1000 < of_thousand
}
"""
"""Costs the caller some instructions a call, whatever it decides: callers that do little should have a cheaper one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """`edits`: of a number in thousandths, percent x 10 x `scale`. `touched`, `inclusive`: whose cost the percentage is of."""

    name: str
    program: str
    kind: Kind
    touched: str
    expected: Expected
    edits: Callable[[int], tuple[Edit, ...]]
    scale: float = 1.0
    inclusive: bool = False


def again(path: str, place: str, items: str) -> Callable[[int], tuple[Edit, ...]]:
    """Looks at some more of `items`, a slice, in front of `place`."""
    return lambda thousandths: (
        Replace(
            path=path,
            old=place,
            new=f"    for item in &{items}[..{items}.len() * {thousandths} / 1000] {{\n"
            f"        std::hint::black_box(item);\n    }}\n{place}",
        ),
    )


def _dearer(name: str) -> Expected:
    return Expected(names=(name,), reasons=(ReasonCode.DEARER_CALLS,))


def _more_calls(caller: str) -> Expected:
    """The callee may tell the story; whose doing it is has to be said."""
    return Expected(names=(caller,), reasons=(ReasonCode.MORE_CALLS,))


def _counted(path: str, old: str, new: Callable[[int], str]) -> Callable[[int], tuple[Edit, ...]]:
    return lambda thousandths: (Front(path=path, text=COUNTER), Replace(path=path, old=old, new=new(thousandths)))


SEEDS = (
    # each call dearer
    Seed(
        name="redact-width", program="redact", kind=Kind.DEARER_CALLS, touched="redact::utf8::width",
        expected=_dearer("redact::utf8::width"), edits=again("src/utf8.rs", "    let mut cells = 0;", "bytes"),
    ),
    Seed(
        name="grid-crc", program="grid", kind=Kind.DEARER_CALLS, touched="grid::checksum::crc",
        expected=_dearer("grid::checksum::crc"), edits=again("src/checksum.rs", "    let mut sum = !0u32;", "bytes"),
    ),
    # called more often
    Seed(
        name="redact-compress", program="redact", kind=Kind.MORE_CALLS, touched="redact::hash::compress",
        expected=_more_calls("redact::hash::digest"),
        edits=lambda t: (
            Replace(path="src/hash.rs", old="    for block in bytes.chunks(16) {",
                    new="    for (turn, block) in bytes.chunks(16).enumerate() {"),
            Replace(path="src/hash.rs", old="        compress(&mut state, &words);\n",
                    new="        compress(&mut state, &words);\n"
                    f"        if turn * 617 % 1000 < {t} {{\n            compress(std::hint::black_box(&mut [0; 4]), &words);\n        }}\n"),
        ),
    ),
    Seed(
        name="tree-get", program="tree", kind=Kind.MORE_CALLS, touched="tree::eval::Scope::get",
        expected=_more_calls("tree::eval::eval"),
        edits=lambda t: (
            Replace(path="src/eval.rs", old="            scope.asked += 1;\n",
                    new="            scope.asked += 1;\n"
                    f"            if scope.asked * 617 % 1000 < {t} {{\n"
                    "                std::hint::black_box(scope.get(*name));\n            }\n"),
        ),
    ),
    Seed(
        name="index-measure", program="index", kind=Kind.MORE_CALLS, touched="index::stem::measure",
        expected=_more_calls("index::stem::stem"),
        edits=_counted("src/stem.rs", "            && measure(rest) > 0\n",
                       lambda t: f"            && measure(rest) > 0\n            && (!is_turn({t}) || measure(rest) > 0)\n"),
    ),
    # more is allocated
    Seed(
        name="tree-clone", program="tree", kind=Kind.MORE_ALLOCATION, inclusive=True,
        touched="<tree::node::Node as core::clone::Clone>::clone",
        expected=_more_calls("<tree::node::Node as core::clone::Clone>::clone"),
        edits=_counted("src/node.rs", "        match self {\n            Node::Number(value) => Node::Number(*value),\n",
                       lambda t: f"        if is_turn({t}) {{\n            drop(std::hint::black_box(Box::new(Node::Number(7))));\n        }}\n"
                       "        match self {\n            Node::Number(value) => Node::Number(*value),\n"),
    ),
    Seed(
        name="redact-string", program="redact", kind=Kind.MORE_ALLOCATION, inclusive=True, touched="redact::json::Reader::string",
        expected=_more_calls("redact::json::Reader::string"),
        edits=_counted("src/json.rs", "        let mut found = Vec::with_capacity(32);\n",
                       lambda t: f"        for _ in 0..{t} / 100 {{\n            drop(std::hint::black_box(Vec::<u8>::with_capacity(40)));\n        }}\n"
                       f"        if is_turn({t} % 100 * 10) {{\n            drop(std::hint::black_box(Vec::<u8>::with_capacity(40)));\n        }}\n"
                       "        let mut found = Vec::with_capacity(32);\n"),
    ),
    # a better way was left
    Seed(
        name="tree-scan", program="tree", kind=Kind.WORSE_COMPLEXITY, touched="tree::eval::Scope::get",
        expected=_dearer("tree::eval::Scope::get"),
        edits=lambda t: (
            Replace(path="src/eval.rs", old="""        for &(name, value) in &self.values {
            if name == wanted {
                return value;
            }
        }
        0""", new=f"""        let whole = self.asked * 617 % 1000 < {t};
        let mut found = 0;
        for &(name, value) in &self.values {{
            if name == wanted {{
                found = value;
                if !whole {{
                    break;
                }}
            }}
        }}
        found"""),
        ),
    ),
    Seed(
        name="redact-find", program="redact", kind=Kind.WORSE_COMPLEXITY, touched="redact::search::find",
        expected=_dearer("redact::search::find"),
        edits=lambda t: (
            Replace(path="src/search.rs", old="        at += usize::from(skips[usize::from(end)]);",
                    new=f"        at += if at < text.len() * {t} / 1000 {{ 1 }} else {{ usize::from(skips[usize::from(end)]) }};"),
        ),
    ),
    # as many instructions, farther away
    Seed(
        name="grid-walk", program="grid", kind=Kind.FAR_ACCESS, touched="grid::table::Table::walk",
        expected=Expected(names=("grid::table::Table::walk",), reasons=(ReasonCode.CODE_CHANGED,)),
        edits=lambda t: (Replace(path="src/table.rs", old="turn & 1023 < 4", new=f"turn & 1023 < {4 + t}"),),
    ),
    Seed(
        name="index-bloom", program="index", kind=Kind.FAR_ACCESS, touched="index::bloom::Filter::add",
        expected=Expected(names=("index::bloom::Filter::add",), reasons=(ReasonCode.CODE_CHANGED,)),
        edits=lambda t: (Replace(path="src/bloom.rs", old="first >> 13 & 1023 < 4", new=f"first >> 13 & 1023 < {4 + t}"),),
    ),
)  # fmt: skip


def pairs() -> Iterator[Pair]:
    for seed in SEEDS:
        for percent in PERCENTS:
            yield Pair(
                pair_class=PairClass.REGRESSION,
                name=f"{seed.name}-{percent}",
                program=seed.program,
                edits=seed.edits(max(1, round(10 * percent * seed.scale))),
                kind=seed.kind,
                percent=percent,
                touched=seed.touched,
                inclusive=seed.inclusive,
                expected=seed.expected,
            )
