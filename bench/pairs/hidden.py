"""Refactorings that do more work besides: the new shape must not hide it."""

from __future__ import annotations

from collections.abc import Iterator

from autoprof_ci.model import ReasonCode
from bench.pairs.pair import Expected, Kind, Pair, PairClass, within
from bench.pairs.refactored_numbers import GRID, TREE
from bench.pairs.refactored_text import INDEX, REDACT
from bench.pairs.regression import again, allocating

_DEARER = (ReasonCode.DEARER_CALLS, ReasonCode.NEW_FUNCTION, ReasonCode.RENAMED, ReasonCode.INLINED_CODE)
_CALLS = (ReasonCode.MORE_CALLS, ReasonCode.NEW_FUNCTION)


def pairs() -> Iterator[Pair]:
    yield Pair(
        pair_class=PairClass.HIDDEN,
        name="redact-rename-10",
        program="redact",
        kind=Kind.DEARER_CALLS,
        percent=10,
        touched="redact::columns::width",
        was="redact::utf8::width",
        edits=(*REDACT["rename-module"], *again("src/columns.rs", "    let mut cells = 0;", "bytes")(246)),
        expected=Expected(names=("redact::columns::width", "redact::utf8::width"), reasons=_DEARER),
    )
    yield Pair(
        pair_class=PairClass.HIDDEN,
        name="redact-split-10",
        program="redact",
        kind=Kind.MORE_CALLS,
        percent=10,
        touched="redact::hash::compress",
        edits=(
            *REDACT["split-in-two"],
            *within(
                "src/hash.rs",
                (
                    "    (u64::from(state[0] ^ state[2]) << 32)",
                    "    for _ in 0..bytes.len() / 160 {\n        compress(std::hint::black_box(&mut [0; 4]), &[7; 4]);\n    }\n"
                    "    (u64::from(state[0] ^ state[2]) << 32)",
                ),
            ),
        ),
        expected=Expected(names=("redact::hash::digest",), reasons=_CALLS),
    )
    yield Pair(
        pair_class=PairClass.HIDDEN,
        name="tree-rename-10",
        program="tree",
        kind=Kind.DEARER_CALLS,
        percent=10,
        touched="<tree::node::Term as core::clone::Clone>::clone",
        was="<tree::node::Node as core::clone::Clone>::clone",
        inclusive=True,
        edits=(
            *allocating(13),
            *TREE["rename-type"],
        ),
        expected=Expected(
            names=("<tree::node::Term as core::clone::Clone>::clone", "<tree::node::Node as core::clone::Clone>::clone"),
            reasons=(*_CALLS, *_DEARER),
        ),
    )
    yield Pair(
        pair_class=PairClass.HIDDEN,
        name="index-inline-10",
        program="index",
        kind=Kind.DEARER_CALLS,
        percent=10,
        edits=(
            *INDEX["merge-two"],
            *within(
                "src/rank.rs",
                (
                    "    order(&mut ranked);",
                    "    for turn in 0..80 {\n        std::hint::black_box(turn);\n    }\n    order(&mut ranked);",
                ),
            ),
        ),
        expected=Expected(names=("index::rank::best",), reasons=_DEARER),
    )
    yield Pair(
        pair_class=PairClass.HIDDEN,
        name="grid-move-5",
        program="grid",
        kind=Kind.DEARER_CALLS,
        percent=5,
        touched="grid::life::spread",
        was="grid::runs::unpack",
        edits=(
            *GRID["rename-and-move"],
            *again("src/life.rs", "    let mut bytes = Vec::with_capacity(packed.len() * 2);", "packed")(240),
        ),
        expected=Expected(names=("grid::life::spread", "grid::runs::unpack"), reasons=_DEARER),
    )
    yield Pair(
        pair_class=PairClass.HIDDEN,
        name="index-move-10",
        program="index",
        kind=Kind.MORE_CALLS,
        percent=10,
        touched="kit::two_hashes",
        was="index::bloom::two_hashes",
        edits=(
            *INDEX["move-to-crate"],
            *within(
                "src/bloom.rs",
                (
                    "        let (mut first, second) = kit::two_hashes(word.as_bytes());",
                    "        let (mut first, second) = kit::two_hashes(word.as_bytes());\n        if second & 1023 < 70 {\n"
                    "            std::hint::black_box(kit::two_hashes(word.as_bytes()));\n        }",
                ),
            ),
        ),
        expected=Expected(
            names=("index::bloom::Filter::add", "kit::two_hashes", "index::bloom::two_hashes"), reasons=(*_CALLS, *_DEARER)
        ),
    )
