# ruff: noqa: E501 (Rust as it stands in the file)
"""Pairs with one seeded regression: one function, or what it calls, costs 1, 2, 5, 10 or 20 % more.

Each seed turns an amount into edits; which amount makes which percentage was found by counting (by timing, of far access). What is
added is work that the compiler cannot see through (`black_box`), so that it changes nothing that is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from autoprof_ci.model import ReasonCode
from bench.pairs.pair import Behind, Edit, Expected, Kind, Pair, PairClass, Replace, within

PERCENTS = (1, 2, 5, 10, 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """`edits`: of one of the `amounts`, which go with `PERCENTS`. `touched`, `inclusive`: whose cost the percentages are of."""

    name: str
    program: str
    kind: Kind
    touched: str
    expected: Expected
    amounts: tuple[int, int, int, int, int]
    edits: Callable[[int], tuple[Edit, ...]]
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


def allocating(amount: int) -> tuple[Edit, ...]:
    """Copying a tree asks the allocator for four more, at so many of the eighty large numbers."""
    leaf = "            Node::Number(value) => Node::Number(*value),"
    spare = """
#[cold]
#[inline(never)]
fn spare(value: u64) {
    for _ in 0..4 {
        drop(std::hint::black_box(Box::new(value)));
    }
}
"""
    asking = f"""            Node::Number(value) => {{
                if value.wrapping_sub(20) < {amount} {{
                    spare(*value);
                }}
                Node::Number(*value)
            }}"""
    return (*within("src/node.rs", (leaf, asking)), Behind(path="src/node.rs", text=spare))


def _dearer(name: str) -> Expected:
    return Expected(names=(name,), reasons=(ReasonCode.DEARER_CALLS,))


def _more_calls(caller: str) -> Expected:
    """The callee may tell the story, or whose doing it is; that has to be said."""
    return Expected(names=(caller,), reasons=(ReasonCode.MORE_CALLS, ReasonCode.CALLS_MORE))


SEEDS = (
    # each call dearer
    Seed(
        name="redact-width", program="redact", kind=Kind.DEARER_CALLS, touched="redact::utf8::width",
        amounts=(6, 26, 109, 246, 514), expected=_dearer("redact::utf8::width"),
        edits=again("src/utf8.rs", "    let mut cells = 0;", "bytes"),
    ),
    Seed(
        name="grid-crc", program="grid", kind=Kind.DEARER_CALLS, touched="grid::checksum::crc",
        amounts=(15, 32, 80, 160, 325), expected=_dearer("grid::checksum::crc"),
        edits=again("src/checksum.rs", "    let mut sum = !0u32;", "bytes"),
    ),
    # called more often
    Seed(
        name="redact-compress", program="redact", kind=Kind.MORE_CALLS, touched="redact::hash::compress",
        amounts=(10, 20, 50, 100, 200), expected=_more_calls("redact::hash::digest"),
        edits=lambda amount: within(
            "src/hash.rs",
            ("    (u64::from(state[0] ^ state[2]) << 32)",
             f"    for _ in 0..bytes.len() * {amount} / 16_000 {{\n        compress(std::hint::black_box(&mut [0; 4]), &[7; 4]);\n    }}\n"
             "    (u64::from(state[0] ^ state[2]) << 32)"),
        ),
    ),
    Seed(
        name="tree-get", program="tree", kind=Kind.MORE_CALLS, touched="tree::eval::Scope::get",
        amounts=(11, 17, 29, 51, 92), expected=_more_calls("tree::one"),
        edits=lambda amount: within(
            "src/main.rs",
            ("    let mut worth = 0;",
             f"    for turn in 0..tokens.len() * {amount} / 1000 {{\n        std::hint::black_box(scope.get(turn as u32 % 12));\n    }}\n"
             "    let mut worth = 0;"),
        ),
    ),
    # more is allocated
    Seed(
        name="tree-tokens", program="tree", kind=Kind.MORE_ALLOCATION, touched="malloc", amounts=(8, 15, 39, 77, 154),
        expected=_more_calls("tree::lexer::tokens"),
        edits=lambda amount: within(
            "src/lexer.rs",
            ("    let mut found = Vec::with_capacity(16);\n",
             f"    for byte in &text[..text.len() * {amount} / 1000] {{\n        drop(std::hint::black_box(Box::new(*byte)));\n    }}\n"
             "    let mut found = Vec::with_capacity(16);\n"),
        ),
    ),
    Seed(
        name="redact-string", program="redact", kind=Kind.MORE_ALLOCATION, inclusive=True, touched="redact::json::Reader::string",
        amounts=(6, 9, 16, 27, 50), expected=_more_calls("redact::json::Reader::string"),
        edits=lambda amount: within(
            "src/json.rs",
            ("            match self.take()? {\n                b'\"' => return String::from_utf8(found).ok(),",
             "            match self.take()? {\n                b'\"' => {\n"
             f"                    for _ in 0..found.len() * {amount} / 1000 {{\n"
             "                        drop(std::hint::black_box(Vec::<u8>::with_capacity(40)));\n                    }\n"
             "                    return String::from_utf8(found).ok();\n                }"),
        ),
    ),
    # a better way was left
    Seed(
        name="tree-scan", program="tree", kind=Kind.WORSE_COMPLEXITY, touched="tree::eval::Scope::get",
        amounts=(11, 10, 7, 3, 103), expected=_dearer("tree::eval::Scope::get"),
        edits=lambda amount: within(
            "src/eval.rs",
            ("        Scope { values: (0..12).map(|name| (name, 0)).collect(), asked: 0 }",
             "        let mut values: Vec<(u32, u64)> = (0..12).map(|name| (name, 0)).collect();\n"
             + f"        values.insert({amount % 100}, (u32::MAX, 0));\n" * (1 + amount // 100)
             + "        Scope { values, asked: 0 }"),
        ),
    ),
    Seed(
        name="redact-find", program="redact", kind=Kind.WORSE_COMPLEXITY, touched="redact::search::find",
        amounts=(19, 15, 11, 10, 8), expected=_dearer("redact::search::find"),
        edits=lambda amount: within(
            "src/search.rs", ("[word.len().min(255) as u8; 256]", f"[word.len().min({amount}) as u8; 256]"),
        ),
    ),
    # as many instructions, farther away: amounts are of 1024 accesses (odd limits: compilers halve loops whose limit is even)
    Seed(
        name="grid-walk", program="grid", kind=Kind.FAR_ACCESS, touched="grid::table::Table::walk", amounts=(2, 4, 6, 12, 22),
        expected=Expected(names=("grid::table::Table::walk",), reasons=(ReasonCode.CODE_CHANGED,)),
        edits=lambda amount: within("src/table.rs", ("turn & 1023 < 5", f"turn & 1023 < {5 + amount}")),
    ),
    Seed(
        name="index-bloom", program="index", kind=Kind.FAR_ACCESS, touched="index::bloom::Filter::add", amounts=(8, 16, 40, 90, 220),
        expected=Expected(names=("index::bloom::Filter::add",), reasons=(ReasonCode.CODE_CHANGED,)),
        edits=lambda amount: within("src/bloom.rs", ("first >> 13 & 1023 < 5", f"first >> 13 & 1023 < {5 + amount}")),
    ),
)  # fmt: skip


def pairs() -> Iterator[Pair]:
    for seed in SEEDS:
        for percent, amount in zip(PERCENTS, seed.amounts, strict=True):
            yield Pair(
                pair_class=PairClass.REGRESSION,
                name=f"{seed.name}-{percent}",
                program=seed.program,
                edits=seed.edits(amount),
                kind=seed.kind,
                percent=percent,
                touched=seed.touched,
                inclusive=seed.inclusive,
                expected=seed.expected,
            )
