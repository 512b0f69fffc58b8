"""Words from outside (an engine, a container, a file name) as they may be repeated: pure.

Knows what terminals and GitHub's log obey: control characters, a line that begins with ``::``, and ``##[`` anywhere.
"""

from __future__ import annotations

LONGEST = 300


def shown(text: str, longest: int = LONGEST) -> str:
    """`text` as one harmless line; of a long one the end, where reasons stand."""
    line = " ".join(text.split())
    escaped = "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in line)
    harmless = escaped.replace("##[", "# #[")
    harmless = harmless if len(harmless) <= longest else f"…{harmless[1 - longest :]}"
    return f": :{harmless[2:]}" if harmless.startswith("::") else harmless
