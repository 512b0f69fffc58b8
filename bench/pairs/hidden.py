# ruff: noqa: E501 (Rust as it stands in the file)
"""Refactorings that do more work besides: the new shape must not hide it."""

from __future__ import annotations

from collections.abc import Iterator

from autoprof_ci.model import ReasonCode
from bench.pairs.pair import Expected, Front, Kind, Pair, PairClass, Replace
from bench.pairs.refactored_numbers import GRID, TREE
from bench.pairs.refactored_text import INDEX, REDACT
from bench.pairs.regression import COUNTER, again

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
        edits=(*REDACT["rename-module"], *again("src/columns.rs", "    let mut cells = 0;", "bytes")(100)),
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
            Replace(
                path="src/hash.rs",
                old="    for block in bytes.chunks(16) {",
                new="    for (turn, block) in bytes.chunks(16).enumerate() {",
            ),
            Replace(
                path="src/hash.rs",
                old="        compress(&mut state, &packed(block));",
                new="        compress(&mut state, &packed(block));\n        if turn * 617 % 1000 < 100 {\n"
                "            compress(std::hint::black_box(&mut [0; 4]), &packed(block));\n        }",
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
            Front(path="src/node.rs", text=COUNTER),
            Replace(
                path="src/node.rs",
                old="        match self {\n            Node::Number(value) => Node::Number(*value),\n",
                new="        if is_turn(100) {\n            drop(std::hint::black_box(Box::new(Node::Number(7))));\n        }\n"
                "        match self {\n            Node::Number(value) => Node::Number(*value),\n",
            ),
            *TREE["rename-type"],
        ),
        expected=Expected(
            names=("<tree::node::Term as core::clone::Clone>::clone", "<tree::node::Node as core::clone::Clone>::clone"),
            reasons=(*_CALLS, *_DEARER),
        ),
    )
    yield Pair(
        pair_class=PairClass.HIDDEN,
        name="tree-inline-10",
        program="tree",
        kind=Kind.DEARER_CALLS,
        percent=10,
        touched="tree::simplify::simplify",
        edits=(
            *TREE["inline"],
            Front(path="src/simplify.rs", text=COUNTER),
            Replace(
                path="src/simplify.rs",
                old="            combine(op, left, right)\n",
                new="            if is_turn(200) {\n                std::hint::black_box((0..8).map(std::hint::black_box).sum::<u32>());\n"
                "            }\n            combine(op, left, right)\n",
            ),
        ),
        expected=Expected(names=("tree::simplify::simplify",), reasons=_DEARER),
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
            *again("src/life.rs", "    let mut bytes = Vec::with_capacity(packed.len() * 2);", "packed")(60),
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
            Front(path="src/bloom.rs", text=COUNTER),
            Replace(
                path="src/bloom.rs",
                old="        let (mut first, second) = kit::two_hashes(word.as_bytes());",
                new="        if is_turn(100) {\n            std::hint::black_box(kit::two_hashes(word.as_bytes()));\n        }\n"
                "        let (mut first, second) = kit::two_hashes(word.as_bytes());",
            ),
        ),
        expected=Expected(
            names=("index::bloom::Filter::add", "kit::two_hashes", "index::bloom::two_hashes"), reasons=(*_CALLS, *_DEARER)
        ),
    )
