"""A flamegraph as one self-contained SVG: readable without its script, and with it zoomed by a click or a key, and searched.

Knows layouts and SVG. Names may be hostile and are escaped here. Colours: warm ones from the name's hash in a plain graph, as
readers of
flamegraphs expect; in a difference red for a grown share and blue for a shrunk one, stronger for more.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from html import escape

from autoprof_ci.model import Bundle
from autoprof_ci.report import assets
from autoprof_ci.report import format as fmt
from autoprof_ci.report.flame_colours import Scale, mixed, scale_of, strength
from autoprof_ci.report.flame_layout import WIDTH, Box, Layout, View, layout
from autoprof_ci.report.flame_links import frame_name
from autoprof_ci.report.phrase import clean
from autoprof_ci.report.stack_tree import StackTree, grow

_ROW = 17
_MARGIN = 10
_HEAD = 62
_FOOT = 26
_LETTER = 6.6
_LEAST_POINTS = 0.001
_NEUTRAL = (238, 238, 238)
_TITLES = {
    View.BASELINE: "Baseline: CPU share by stack",
    View.CANDIDATE: "Candidate: CPU share by stack",
    View.DIFFERENCE: "Difference: width is the candidate's CPU share; red grew, blue shrank, grey is as before or chance",
}


def _attribute(text: str) -> str:
    return escape(clean(text), quote=True)


def _warm(name: str) -> str:
    first, second, third = sha256(name.encode("utf-8", "replace")).digest()[:3]
    return f"#{205 + first * 50 // 255:02x}{110 + second * 110 // 255:02x}{50 + third * 40 // 255:02x}"


def _ink(fill: str) -> str:
    """Black or white, whichever reads better on `fill`."""
    red, green, blue = (int(fill[i : i + 2], 16) for i in (1, 3, 5))
    return "#000" if 0.299 * red + 0.587 * green + 0.114 * blue > 130 else "#fff"


def _samples(count: float) -> str:
    return fmt.plural(round(count), "sample")


def tooltip(box: Box, view: View) -> str:
    """What is said of a frame under the pointer."""
    name = frame_name(box.name)
    if box.gone:
        return f"{name}: gone, was {fmt.percent(box.baseline)}, {_samples(box.baseline_samples)}"
    if view is View.BASELINE:
        return f"{name}: {fmt.percent(box.baseline)}, {_samples(box.baseline_samples)}"
    if view is View.CANDIDATE:
        return f"{name}: {fmt.percent(box.candidate)}, {_samples(box.candidate_samples)}"
    if box.baseline == 0:
        return f"{name}: new, {fmt.percent(box.candidate)}, {_samples(box.candidate_samples)}"
    points = (box.candidate - box.baseline) * 100
    sign = "+" if points > 0 else ""
    moved = f" ({sign}{fmt.number(points, 2)} points)" if abs(points) >= _LEAST_POINTS else ""
    counted = f"{round(box.baseline_samples):,} → {_samples(box.candidate_samples)}"
    return f"{name}: {fmt.percent(box.baseline)} → {fmt.percent(box.candidate)}{moved}, {counted}"


def _label(name: str, width: float) -> str:
    """As much of `name` as fits into `width` pixels; nothing rather than two letters."""
    letters = int((width - 6) / _LETTER)
    if letters < 3:
        return ""
    return name if len(name) <= letters else name[: letters - 1] + fmt.ELLIPSIS


def _frame(box: Box, view: View, top: float, scale: Scale) -> str:
    fill = "url(#gone)" if box.gone else mixed(strength(box, scale), _NEUTRAL) if view is View.DIFFERENCE else _warm(box.name)
    ink = "#000" if box.gone else _ink(fill)
    said = _attribute(tooltip(box, view))
    label = escape(_label(frame_name(box.name), box.width))
    x = _MARGIN + box.x
    text = f'<text x="{x + 3:.2f}" y="{top + 12.5:.1f}" fill="{ink}">{label}</text>'
    level = f'role="treeitem" aria-level="{box.depth + 1}" aria-label="{said}"'
    rect = f'<rect x="{x:.2f}" y="{top:.0f}" width="{max(box.width, 0.1):.2f}" height="{_ROW - 1}" fill="{fill}"/>'
    return f'<g class="f" data-d="{box.depth}" {level} tabindex="-1"><title>{said}</title>{rect}{text}</g>'


def svg(placed: Layout, title: str | None = None) -> str:
    """The picture, below `title` or what its view is called. `placed` may be empty: then it says so."""
    depth = max((box.depth for box in placed.boxes), default=0) + 1
    gone_depth = max((box.depth for box in placed.gone), default=-1) + 1
    bottom = _HEAD + depth * _ROW
    gone_bottom = bottom + (28 + gone_depth * _ROW if placed.gone else 0)
    height = gone_bottom + _FOOT
    width = WIDTH + 2 * _MARGIN
    scale = scale_of(placed.boxes)
    notes = []
    if placed.left_out:
        notes.append(f"{fmt.plural(placed.left_out, 'frame')} too narrow to show")
    if placed.unreadable:
        notes.append(f"{fmt.plural(placed.unreadable, 'line')} could not be read")
    if not placed.boxes or placed.boxes[0].width == 0:
        notes.append("no stacks were recorded")
    frames = [_frame(box, placed.view, bottom - (box.depth + 1) * _ROW, scale) for box in placed.boxes]
    gone = [_frame(box, placed.view, gone_bottom - (box.depth + 1) * _ROW, scale) for box in placed.gone]
    gone_title = (
        f'<text x="{_MARGIN}" y="{bottom + 20}" class="h">Gone: only the baseline has these (width: its share)</text>'
        if gone
        else ""
    )
    title = _attribute(title or _TITLES[placed.view])
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}"
    height="{height:.0f}" \
role="application" aria-label="{title}" data-width="{WIDTH:.0f}" data-margin="{_MARGIN}" data-letter="{_LETTER}">
<style>{assets.read("flamegraph.css")}</style>
<defs><pattern id="gone" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6"
height="6" \
fill="#dde6f5"/><line y2="6" stroke="#2666be" stroke-width="3" opacity=".45"/></pattern></defs>
<rect class="page" width="100%" height="100%"/>
<text class="t" x="{width / 2:.0f}" y="20" text-anchor="middle">{title}</text>
<text class="b" id="reset" x="{_MARGIN}" y="20" role="button" tabindex="0">Reset zoom</text>
<text class="b" id="search" x="{width - _MARGIN:.0f}" y="20" text-anchor="end" role="button" tabindex="0">Search</text>
<text class="h" id="matched" x="{width - _MARGIN:.0f}" y="42" text-anchor="end" aria-live="polite"></text>
<text class="h" id="said" x="{_MARGIN}" y="42" aria-live="polite">{escape("; ".join(notes))}</text>
<g class="graph" role="tree" aria-label="{title}">
{chr(10).join(frames)}
</g>
{gone_title}
<g class="graph" role="tree" aria-label="gone">
{chr(10).join(gone)}
</g>
<script><![CDATA[
{assets.read("flamegraph.js")}
]]></script>
</svg>
"""


def of_one(tree: StackTree, title: str) -> str:
    """One program alone, the candidate of `tree`."""
    return svg(layout(tree, View.CANDIDATE), title)


def of_tree(tree: StackTree) -> dict[str, str]:
    """Name (``baseline``, ``candidate``, ``difference``) -> SVG, as far as the sides have stacks."""
    views = []
    if tree.baseline_total:
        views.append(View.BASELINE)
    if tree.candidate_total:
        views.append(View.CANDIDATE)
    if tree.baseline_total and tree.candidate_total:
        views.append(View.DIFFERENCE)
    return {view.value: svg(layout(tree, view)) for view in views}


def all_of(baseline: Bundle | None, candidate: Bundle) -> Mapping[str, str]:
    """The flamegraphs of two bundles."""
    return of_tree(grow(baseline.recording.stacks if baseline is not None else {}, candidate.recording.stacks))
