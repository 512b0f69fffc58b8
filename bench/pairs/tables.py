"""Scores as the tables that are printed and that stand in ``docs/pairs.md``. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from bench.pairs.pair import Kind, Pair, PairClass
from bench.pairs.scoring import FOUND_FROM_PERCENT, Score, wrong
from bench.pairs.time_rules import NAMES

BEGIN, END = "<!-- pairs: begin -->", "<!-- pairs: end -->"

Scored = Sequence[tuple[Pair, Score]]


def page(scored: Scored, when: str, machine: str) -> str:
    """All tables, with where and when they were made."""
    parts = [f"{len(scored)} pairs, {when}, on {machine}.", classes(scored), regressions(scored), _mistakes(scored)]
    return "\n\n".join(part for part in parts if part) + "\n"


def between(document: str, text: str) -> str:
    """The document with `text` between its markers. Raises `ValueError` where it has none."""
    if document.count(BEGIN) != 1 or document.count(END) != 1:
        raise ValueError(f"the document does not hold {BEGIN} and {END} once")
    head, _, rest = document.partition(BEGIN)
    return f"{head}{BEGIN}\n{text}{END}{rest.partition(END)[2]}"


def classes(scored: Scored) -> str:
    """How many pairs of each class fail, by the gate and by rules on times alone."""
    has_time = any(score.time_rules for _, score in scored)
    rules = NAMES if has_time else ()
    lines = [_row(["class", "pairs", "the gate fails", "warnings", *(f"time alone: {name}" for name in rules)])]
    lines.append(_row(["---"] * (4 + len(rules))))
    for title, those in _by_class(scored):
        if not those:
            continue
        scores = [score for _, score in those]
        cells = [title, str(len(those)), _count(s.is_fail for s in scores), _count(bool(s.warnings) for s in scores)]
        cells += [_count(s.time_rules.get(rule, False) for s in scores) for rule in rules]
        lines.append(_row(cells))
    return "\n".join(lines)


def regressions(scored: Scored) -> str:
    """Of each kind and size: found, with the right function, with the right reason."""
    seeded = [(pair, score) for pair, score in scored if pair.kind is not None]
    if not seeded:
        return ""
    percents = sorted({pair.percent for pair, _ in seeded})
    heads = ["found / rightly named / right reason, of", *(f"+{percent:g} %" for percent in percents)]
    lines = [_row(heads), _row(["---"] * len(heads))]
    for title, belongs in _kinds():
        mine = [(pair, score) for pair, score in seeded if belongs(pair)]
        if mine:
            cells = [_found([score for pair, score in mine if pair.percent == percent]) for percent in percents]
            lines.append(_row([title, *cells]))
    return "\n".join(lines)


def _kinds() -> Iterator[tuple[str, Callable[[Pair], bool]]]:
    for kind in Kind:
        yield kind.value, lambda pair, kind=kind: pair.kind is kind and pair.pair_class is PairClass.REGRESSION  # type: ignore[misc]
    yield "hidden in a refactoring", lambda pair: pair.pair_class is PairClass.HIDDEN


def _found(scores: Sequence[Score]) -> str:
    if not scores:
        return ""
    found = [score for score in scores if score.is_fail]
    named, reasoned = sum(s.named for s in found), sum(s.named and s.reasoned for s in found)
    return f"{len(found)} / {named} / {reasoned}, {len(scores)}"


def _by_class(scored: Scored) -> Iterator[tuple[str, Scored]]:
    titles: Mapping[str, Callable[[Pair], bool]] = {
        "placement": lambda p: p.pair_class is PairClass.PLACEMENT,
        "refactoring": lambda p: p.pair_class is PairClass.REFACTORING,
        "regression, 1 % of work": lambda p: _is_work(p) and p.percent < FOUND_FROM_PERCENT,
        "regression, 2 % of work or more": lambda p: _is_work(p) and p.percent >= FOUND_FROM_PERCENT,
        "regression, far access": lambda p: p.sees_time_only,
        "hidden in a refactoring": lambda p: p.pair_class is PairClass.HIDDEN,
    }
    for title, belongs in titles.items():
        yield title, [(pair, score) for pair, score in scored if belongs(pair)]


def _is_work(pair: Pair) -> bool:
    return pair.pair_class is PairClass.REGRESSION and not pair.sees_time_only


def _mistakes(scored: Scored) -> str:
    told = [f"- `{pair.id}`: {sentence}" for pair, score in scored if (sentence := wrong(pair, score))]
    return "Judged wrongly:\n\n" + "\n".join(told) if told else "None is judged wrongly by instructions and machine code."


def _count(flags: Iterable[bool]) -> str:
    return str(sum(flags))


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
