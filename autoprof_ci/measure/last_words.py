"""The end of what a program said on standard error, as one line that is safe to show. Pure."""

from __future__ import annotations

TAIL_LINES = 3
TAIL_CHARACTERS = 400


def last_words(stderr_tail: str) -> str:
    """To be put behind what went wrong; empty where nothing was said."""
    lines = [line.strip() for line in stderr_tail.splitlines() if line.strip()]
    said = _shown(" | ".join(lines[-TAIL_LINES:]))[-TAIL_CHARACTERS:]
    return f"; its last words: {said}" if said else ""


def _shown(text: str) -> str:
    """`text` as one line that no terminal obeys, and no log of GitHub: ``##[`` is a command there, wherever it stands."""
    escaped = "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)
    return escaped.replace("##[", "# #[")
