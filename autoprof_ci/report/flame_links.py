"""Addresses of places in a flamegraph: what stands behind the ``#`` of its file, and of the page that holds it.

    flamegraph-candidate.svg#s=serde_json          every frame that the pattern matches is marked, their share told
    flamegraph-candidate.svg#f=malloc              the same, of frames of exactly this name
    flamegraph-candidate.svg#p=main/run/parse      zoomed to where this path of frames ends, or as far as it is drawn
    report.html#flame=candidate&p=main&f=malloc    all at once, in the page

Knows the grammar, which ``flamegraph.js`` reads, and how a frame's name is written in the picture. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from autoprof_ci.report import format as fmt
from autoprof_ci.report.flame_layout import View
from autoprof_ci.report.phrase import clean

LONGEST_NAME = 200


def frame_name(name: str) -> str:
    """As the picture has it: clean, and never empty or very long."""
    shown = clean(name) or "?"
    return shown if len(shown) <= LONGEST_NAME else fmt.shorten(shown, LONGEST_NAME)


def fragment(path: Sequence[str] = (), named: str | None = None) -> str:
    """Without the ``#``. `path`: names of frames from the root on, the root itself left out. `named`: frames to mark."""
    parts = []
    if path:
        parts.append("p=" + "/".join(quote(frame_name(name), safe="") for name in path))
    if named is not None:
        parts.append("f=" + quote(frame_name(named), safe=""))
    return "&".join(parts)


def page_fragment(view: View, place: str) -> str:
    """`place`, a fragment of a picture, in the page that holds the pictures."""
    return f"flame={view.value}&{place}" if place else f"flame={view.value}"
