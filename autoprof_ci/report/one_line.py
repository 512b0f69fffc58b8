"""The verdict in a hundred characters, for places that hold no more: a commit status, a word in a list."""

from __future__ import annotations

import re
from collections.abc import Mapping

from autoprof_ci.model import Outcome, Verdict
from autoprof_ci.report import format as fmt
from autoprof_ci.report.causes import rows
from autoprof_ci.report.details import Details
from autoprof_ci.report.headline import headline
from autoprof_ci.report.phrase import Style

STATUS_LIMIT = 140
"""Characters of a commit status's description."""
_BESIDE = re.compile(r" \([^()]*\)$|, and [^,:]* with it$")
"""``(1 more cause)`` and ``, and 4 more functions with it`` at the end."""
_NAME_WIDTHS = (48, 36, 28, 20)

OUTCOME_WORDS: Mapping[Outcome, str] = {
    Outcome.PASS: "no regression",
    Outcome.FAIL: "regression",
    Outcome.NO_BASELINE: "no baseline",
    Outcome.INCONCLUSIVE: "not sure",
}


def outcome_word(outcome: Outcome) -> str:
    """What a reader calls it."""
    return OUTCOME_WORDS[outcome]


def status_line(verdict: Verdict, details: Details, limit: int = STATUS_LIMIT) -> str:
    """The first line of the report as plain text of at most `limit` characters: names get shorter, and what came along is left
    out, before words are cut off."""
    line = headline(verdict, rows(verdict), None, details).line
    for width in _NAME_WIDTHS:
        said = "".join(fmt.shorten(span.text, width) if span.style is Style.NAME else span.text for span in line)
        for shorter in (said, _BESIDE.sub("", said), _BESIDE.sub("", _BESIDE.sub("", said))):
            if len(shorter) <= limit:
                return shorter
    head = said[: limit - 1]
    return (head.rpartition(" ")[0] or head) + "…"
