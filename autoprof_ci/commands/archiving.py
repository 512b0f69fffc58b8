"""EDGE: ``autoprof-ci archive``: what lies in the archive of profiles, and what is no longer wanted in it.

Knows what a reader asks of an archive. How its files are read is in `archive_folder`; how answers look is in `archive_tables`.
"""

from __future__ import annotations

import argparse
import sys
from datetime import datetime, timedelta
from pathlib import Path

from autoprof_ci.archive import stacks as folded
from autoprof_ci.archive import trends
from autoprof_ci.archive.names import Entry
from autoprof_ci.archive.trends import Dated
from autoprof_ci.commands import archive_tables, files
from autoprof_ci.commands.archive_folder import Place
from autoprof_ci.commands.archive_tables import Row
from autoprof_ci.errors import DataError, UsageError

_MAKE_ONE = "Make one with: autoprof-ci profile -- CMD"


def archive(options: argparse.Namespace) -> int:
    """One of its questions."""
    place = Place(folder=Path(options.archive))
    answer = {"list": _list, "show": _show, "diff": _diff, "trend": _trend, "prune": _prune}[options.question]
    answer(place, options)
    return 0


def _list(place: Place, _: argparse.Namespace) -> None:
    entries = place.entries()
    if not entries:
        print(f"{place.folder} holds no profiles. {_MAKE_ONE}")  # noqa: T201
        return
    archive_tables.overview([_row(place, entry) for entry in entries])


def _show(place: Place, options: argparse.Namespace) -> None:
    entry = _wanted(place, options.id)
    row = _row(place, entry)
    if row.problem is not None and row.facts is None:
        raise DataError(row.problem, "Look at another one with: autoprof-ci archive show ID")
    archive_tables.one(place.folder, row)


def _trend(place: Place, options: argparse.Namespace) -> None:
    rows = [_row(place, entry) for entry in place.entries()]
    usable = [row for row in rows if row.stacks]
    if not usable:
        raise UsageError(f"No profile in {place.folder} can be counted", _MAKE_ONE)
    task = next((row.facts.task for row in reversed(usable) if row.facts), None)
    # Different tasks have nothing in common; other tools' pictures do not say whose they are.
    alike = [row for row in usable if row.facts is None or row.facts.task == task]
    dated = tuple(_dated(row) for row in alike)
    if options.function is None:
        archive_tables.trends(trends.widest(dated), dated, task)
    else:
        found = trends.of(dated, options.function)
        if not any(cost.total_share for cost in found):
            what = f"{options.function} is in none of the {len(dated)} profiles"
            raise UsageError(what, "Functions are named as `archive show` names them; `*` stands for anything")
        archive_tables.trend(options.function, found, dated)
    _tell_problems(rows)
    if left_out := len(usable) - len(alike):
        print(f"left out: {left_out} of another task than {task}", file=sys.stderr)  # noqa: T201


def _diff(place: Place, options: argparse.Namespace) -> None:
    rows = [_row(place, _wanted(place, name)) for name in (options.baseline, options.candidate)]
    for row in rows:
        if not row.stacks:
            raise UsageError(
                row.problem or f"{row.entry.identity} holds no stacks", "Take one of those that `archive trend` shows"
            )
    before, after = (row.stacks or () for row in rows)
    archive_tables.moved(trends.moved(before, after), rows[0].entry.identity, rows[1].entry.identity)
    if options.out is not None:
        from autoprof_ci.report import flamegraph
        from autoprof_ci.report.stack_tree import grow

        tree = grow({"": folded.text_of(before)}, {"": folded.text_of(after)})
        files.write(Path(options.out), flamegraph.of_tree(tree)["difference"].encode())
        print(f"wrote {options.out}")  # noqa: T201


def _prune(place: Place, options: argparse.Namespace) -> None:
    if options.keep is None and options.older_than is None:
        raise UsageError("Nothing says which profiles to remove", "Say --keep N, or --older-than DAYS")
    if (options.keep or 0) < 0 or (options.older_than or 0) < 0:
        raise UsageError("--keep and --older-than take no negative numbers", "Try --keep 20")
    dated = [entry for entry in place.entries() if entry.when is not None]
    old = set(dated if options.keep is None else dated[: max(0, len(dated) - options.keep)])
    if options.older_than is not None:
        before = datetime.now() - timedelta(days=options.older_than)
        old &= {entry for entry in dated if entry.when is not None and entry.when < before}
    removed = [entry for entry in dated if entry in old]
    for entry in removed:
        if not options.dry_run:
            place.remove(entry)
        print(f"{'would remove' if options.dry_run else 'removed'} {', '.join(entry.files.values())}")  # noqa: T201
    print(archive_tables.pruned(len(removed), len(dated) - len(removed), options.dry_run))  # noqa: T201


def _wanted(place: Place, identity: str | None) -> Entry:
    entries = place.entries()
    if not entries:
        raise UsageError(f"{place.folder} holds no profiles", _MAKE_ONE)
    if identity is None:
        return entries[-1]
    exact = [entry for entry in entries if entry.identity == identity]
    found = exact or [entry for entry in entries if entry.identity.startswith(identity)]
    if len(found) == 1:
        return found[0]
    what = f"{len(found)} profiles begin with {identity}" if found else f"There is no profile {identity} in {place.folder}"
    raise UsageError(what, "See their names with: autoprof-ci archive list")


def _row(place: Place, entry: Entry) -> Row:
    """What can be read of it; a damaged file spoils no other run."""
    facts, stacks, problem = None, None, None
    try:
        facts = place.facts(entry)
        stacks = place.stacks(entry)
    except (DataError, UsageError) as error:
        problem = error.what
    costs = folded.costs(stacks) if stacks else ()
    return Row(entry=entry, facts=facts, stacks=stacks, costs=costs, problem=problem)


def _dated(row: Row) -> Dated:
    return Dated(
        identity=row.entry.identity, stacks=row.stacks or (), costs=row.costs, cpu_s=row.facts.cpu_s if row.facts else None
    )


def _tell_problems(rows: list[Row]) -> None:
    for row in rows:
        if row.problem is not None:
            print(f"left out: {row.problem}", file=sys.stderr)  # noqa: T201
