"""What our artifacts are called: for every kind, key and attempt one name, and back from a name to what it is.

    autoprof-baseline[-KEY]                    what the pull requests that follow are held against
    autoprof-report[-KEY]-ATTEMPT              the output folder of a run
    autoprof-part[-KEY]-WORKLOADS-ATTEMPT      what one job of a matrix measured; WORKLOADS: 8 hex digits

Names are unique in a workflow run, over all its attempts and jobs; hence the attempt, and the key for jobs beside each other.
Knows nothing of how artifacts are stored.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from autoprof_ci.errors import UsageError

DEFAULT_KEY = "default"
_FORBIDDEN = re.compile(r'["<>|*?:\\/\r\n\x00-\x1f\x7f]')
_MAX_CHARACTERS = 255
_ATTEMPT = r"([1-9][0-9]{0,8})"


class Named(Protocol):
    """Whatever has an artifact's name."""

    @property
    def name(self) -> str: ...


ListedT = TypeVar("ListedT", bound=Named)


def baseline(key: str) -> str:
    return checked(f"autoprof-baseline{_suffix(key)}")


def report(key: str, attempt: int) -> str:
    return checked(f"autoprof-report{_suffix(key)}-{attempt}")


def part(key: str, workloads: Sequence[str], attempt: int) -> str:
    """Of a matrix job that measured `workloads`, in whatever order it names them."""
    digest = hashlib.sha256("\0".join(sorted(set(workloads))).encode()).hexdigest()
    return checked(f"autoprof-part{_suffix(key)}-{digest[:8]}-{attempt}")


def newest_report(listed: Iterable[ListedT], key: str) -> ListedT | None:
    """The report of the highest attempt; ``None`` if there is none under this key."""
    newest = _newest(listed, rf"autoprof-report{re.escape(_suffix(key))}()-{_ATTEMPT}")
    return newest[0] if newest else None


def parts_of(listed: Iterable[ListedT], key: str) -> tuple[ListedT, ...]:
    """Of each part the highest attempt: where only the failed jobs ran again, the others' parts are of an earlier one."""
    return _newest(listed, rf"autoprof-part{re.escape(_suffix(key))}-([0-9a-f]{{8}})-{_ATTEMPT}")


def checked(name: str) -> str:
    """`name` itself. Raises `UsageError` for what the artifact service does not take."""
    if not name.strip(" .") or len(name) > _MAX_CHARACTERS or _FORBIDDEN.search(name):
        raise UsageError(
            f"{name[:80]!r} cannot be the name of an artifact",
            "Use letters, digits, - and _ in the input `key`",
        )
    return name


def _suffix(key: str) -> str:
    return "" if key == DEFAULT_KEY else f"-{key}"


def _newest(listed: Iterable[ListedT], pattern: str) -> tuple[ListedT, ...]:
    found: dict[str, tuple[int, ListedT]] = {}
    for each in listed:
        match = re.fullmatch(pattern, each.name, re.ASCII)
        if match is None:
            continue
        which, attempt = match.group(1), int(match.group(2))
        if which not in found or attempt > found[which][0]:
            found[which] = (attempt, each)
    return tuple(each for _, (_, each) in sorted(found.items()))
