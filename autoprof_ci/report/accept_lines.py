"""The lines to paste into the TOML so that a regression passes: one or two tables for each cause.

Knows how an accept is written and what it covers; decides nothing.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from datetime import date, timedelta

from autoprof_ci.model import Bundle, Finding, Signal, Status, SubjectKind, Verdict
from autoprof_ci.report import format as fmt
from autoprof_ci.report.causes import Row
from autoprof_ci.report.details import Details
from autoprof_ci.report.phrase import name, say
from autoprof_ci.report.story import Code, Section, Words

_DAYS = 90
_CAUSES_AT_MOST = 25
_ONE_LINE = 100
_POINTER = re.compile(r"\*(?:const|mut) ")


def _up_to_percent(findings: Sequence[Finding]) -> int:
    """The largest change, or the upper end of its interval: the next measurement of the same programs differs a little."""
    highest = 0.01
    for finding in findings:
        for measurement in finding.measurements:
            estimate = measurement.estimate
            if measurement.signal is not Signal.MORE:
                continue
            highest = max(highest, estimate.change or 0.0, estimate.ci_high or 0.0)
            if estimate.change is None and estimate.candidate_share is not None:
                highest = max(highest, estimate.candidate_share)
    percent = math.ceil(highest * 100 - 1e-9)
    step = int(10.0 ** max(0, len(str(percent)) - 3))
    return math.ceil(percent / step) * step


def _toml_string(text: str) -> str:
    """A TOML basic string of printable characters; JSON's escapes are TOML's too, surrogates apart."""
    escaped = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped)


def _matches_others(subject: str) -> bool:
    """Whether `subject`, read as a pattern, may stand for other functions too: a name of stars is chosen for that."""
    return "*" in _POINTER.sub("", subject)


def _match(subjects: Sequence[str]) -> str:
    strings = [_toml_string(subject) for subject in subjects]
    if len(strings) == 1:
        return f"match = {strings[0]}"
    line = f"match = [{', '.join(strings)}]"
    return line if len(line) <= _ONE_LINE else "match = [\n" + "".join(f"    {s},\n" for s in strings) + "]"


def tables(row: Row, workloads: int, today: date) -> str:
    """One ``[[accept]]`` for the functions that regressed for this cause, and one for the sums that did with them.

    Apart, because a function of three microseconds may have grown a hundredfold, which the whole run must not.
    """
    findings = [f for f in row.everything if f.status is Status.REGRESSION]
    findings += [f for e in row.elsewhere for f in e.findings if f.status is Status.REGRESSION]
    workload = None if row.elsewhere or workloads <= 1 else row.workload
    functions = [finding for finding in findings if finding.kind is SubjectKind.FUNCTION]
    sums = [finding for finding in findings if finding.kind is not SubjectKind.FUNCTION]
    return "\n\n".join(_table(part, workload, today) for part in (functions, sums) if part)


def _table(findings: Sequence[Finding], workload: str | None, today: date) -> str:
    subjects = list(dict.fromkeys(finding.subject for finding in findings))
    named = [subject for subject in subjects if not _matches_others(subject)]
    left = len(subjects) - len(named)
    lines = []
    if left:
        lines.append(f"# left out: {fmt.plural(left, 'name')} with a star, which as a pattern would let other functions pass too")
    if not named:
        return "\n".join(lines)
    lines += ["[[accept]]", _match(named)]
    if workload is not None:
        lines.append(f"workload = {_toml_string(workload)}")
    lines.append(f"up_to_percent = {_up_to_percent([f for f in findings if f.subject in named])}")
    lines.append('reason = "say why this is worth it"')
    lines.append(f"expires = {(today + timedelta(days=_DAYS)).isoformat()}")
    return "\n".join(lines)


def section(verdict: Verdict, rows: Sequence[Row], candidate: Bundle, details: Details) -> Section | None:
    failing = [row for row in rows if row.status is Status.REGRESSION]
    if not failing:
        return None
    try:
        today = date.fromisoformat(candidate.created_at[:10])
    except ValueError:
        return None
    text = "\n\n".join(tables(row, len(verdict.workloads), today) for row in failing[:_CAUSES_AT_MOST])
    if details.command_line_workload:
        intro = say("An accept stands in a TOML: `autoprof-ci init` writes one. Then paste, with a reason:")
    else:
        intro = say(
            "Paste into {toml}, with a reason; it lets this step through, and not the next:", toml=name(details.config_name)
        )
    return Section(title="Accept it", blocks=(Words(phrase=intro), Code(text=text, language="toml")))
