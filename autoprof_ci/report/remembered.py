"""What a comment remembers for the one that replaces it: which regressions it told of.

One hidden line, ``<!-- autoprof-ci-state BASE64 -->``, wherever it stands in the body. Base64 has no ``>``, so nothing in it can
end the line early; what is read is hostile (a comment can be edited), so garbage and excess are nothing and never an error.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64Error
from collections.abc import Sequence

MOST = 50
LONGEST = 1_000
"""Characters of one ``WORKLOAD/SUBJECT``; a longer one could not be found again whole, and is left out."""
_LONGEST_LINE = 8_000
_LINE = re.compile(r"^<!-- autoprof-ci-state ([A-Za-z0-9+/]{1,8000}={0,2}) -->\r?$", re.MULTILINE)


def line(regressions: Sequence[str], longest: int = _LONGEST_LINE) -> str:
    """The hidden line, at most `longest` characters: the first that fit. Empty where there is nothing to remember."""
    kept = [regression for regression in dict.fromkeys(regressions) if len(regression) <= LONGEST][:MOST]
    while kept:
        packed = b64encode(json.dumps(kept, separators=(",", ":")).encode()).decode("ascii")
        told = f"<!-- autoprof-ci-state {packed} -->"
        if len(told) <= min(longest, _LONGEST_LINE):
            return told
        kept.pop()
    return ""


def read(body: str) -> tuple[str, ...]:
    """The regressions that `body` remembers; none where it remembers nothing that makes sense."""
    found = _LINE.search(body)
    if found is None:
        return ()
    try:
        value = json.loads(b64decode(found[1], validate=True))
    except (NotBase64Error, ValueError, RecursionError):
        return ()
    if not isinstance(value, list) or len(value) > MOST:
        return ()
    if not all(isinstance(entry, str) and entry and len(entry) <= LONGEST for entry in value):
        return ()
    # a lone surrogate is legal in JSON and cannot be written to any file
    return tuple(dict.fromkeys(entry for entry in value if "/" in entry and entry.isprintable()))
