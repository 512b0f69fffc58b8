"""Puts pairs through the gate and prints what it found, what it blamed, and what rules on times alone say of the same runs.

python -m bench.pairs                        all of it, with time: about forty minutes on two cores
python -m bench.pairs --instructions-only    without time: about twelve
python -m bench.pairs --quarter              the fixed quarter that the tests run
python -m bench.pairs --only placement/redact --only hidden
python -m bench.pairs --again                judge by today's rules what was measured before
python -m bench.pairs --truth                what the pairs really changed, whatever the gate says
python -m bench.pairs --docs                 put the tables into docs/pairs.md

A run that was interrupted goes on where it stopped; --fresh begins anew.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bench.pairs import building, catalogue, results, tables, trying
from bench.pairs.pair import Pair, PairClass
from bench.pairs.scoring import EQUAL_TOTAL, Score, wrong

MACHINE = "a 2-core virtual machine without hardware counters"
PAGE = building.ROOT / "docs" / "pairs.md"
PLACEMENT_TOTAL = 0.001
"""Nothing that runs changes; what the heap and the seeds of hash maps do is less than this."""
SIZE_TOLERANCE = 0.25
"""A seeded regression is of its size to within this part of it, or half a per cent."""


Attempt = Callable[[Pair, Path], Score | None]


def main() -> None:
    options = _options()
    pairs = catalogue.chosen(tuple(options.only), catalogue.quarter() if options.quarter else catalogue.ALL)
    pairs = trying.makeable(pairs)
    attempt: Attempt = trying.by_instructions if options.instructions_only else trying.with_time
    if options.instructions_only:
        pairs = tuple(pair for pair in pairs if not pair.sees_time_only)
    folder = building.CACHE / ("counted" if options.instructions_only else "measured")
    done = folder / "scores.jsonl"
    if options.fresh or options.again:
        done.unlink(missing_ok=True)
    known = results.read(done)
    begun = time.monotonic()
    scored = []
    for number, pair in enumerate(pairs, 1):
        programs = building.identity(pair)
        if programs not in known:
            one = (trying.again if options.again else attempt)(pair, folder / pair.id)
            if one is None:
                _say(f"{pair.id}: not measured yet")
                continue
            known[programs] = one
            results.append(done, programs, one)
        scored.append((pair, known[programs]))
        _say(f"{number} of {len(pairs)}, {time.monotonic() - begun:.0f} s: {pair.id}: {wrong(pair, known[programs]) or 'right'}")
    if options.truth:
        print("\n".join(_truth(pair, one) for pair, one in scored))
    text = tables.page(scored, f"{datetime.now(UTC):%Y-%m-%d}", MACHINE)
    print(text)
    if options.docs:
        PAGE.write_text(tables.between(PAGE.read_text(encoding="utf-8"), text), encoding="utf-8")


def _truth(pair: Pair, one: Score) -> str:
    """One line: what was counted, and whether the pair is what it is said to be."""
    total, touched = one.truth.total, one.truth.touched
    is_so = True
    if pair.pair_class is PairClass.PLACEMENT:
        is_so = total is None or abs(total) <= PLACEMENT_TOTAL
    elif pair.pair_class is PairClass.REFACTORING:
        is_so = total is None or abs(total) <= EQUAL_TOTAL
    elif pair.sees_time_only:
        is_so = touched is not None and abs(touched) <= PLACEMENT_TOTAL
    elif touched is not None:
        is_so = abs(100 * touched - pair.percent) <= max(0.5, SIZE_TOLERANCE * pair.percent)
    figures = [_percent("total", total), _percent("touched", touched), _percent("by time", one.truth.touched_time)]
    return f"{'' if is_so else 'NOT SO '}{pair.id} {' '.join(filter(None, figures))}"


def _percent(name: str, change: float | None) -> str:
    return "" if change is None else f"{name} {100 * change:+.3f} %"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.pairs", description=__doc__.splitlines()[0])
    parser.add_argument("--instructions-only", action="store_true")
    parser.add_argument("--quarter", action="store_true")
    parser.add_argument("--only", action="append", default=[], metavar="CLASS/NAME")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--truth", action="store_true")
    parser.add_argument("--docs", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
