"""From the symbol a tool saw to the name of a source function: one function, one name, on both sides of a comparison.

Knows what compilers, linkers and profilers append to names, and in which order to take it off again. Knows nothing of files,
tools or counts; how demangled text is read is in `source`, what the C library and the allocators call their parts is
in `libc`.

    _RINvNtCs4w_6anyhow5error15object_downcast...  ─┐
    _ZN6anyhow5error15object_downcast17h<hash>E.llvm.1 ┼─► anyhow::error::object_downcast
    anyhow::error::object_downcast::h<hash>        ─┘

**Identity.** A name stands for a function *as written*, not as compiled: instances of one generic or template share a name,
so do overloads (a new parameter must not look like a function removed and another added), clones that an optimiser makes, and
the C library's variants for different processors. Whoever counts adds up what shares a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import multi_demangle

from autoprof_ci.symbols.asking import passes_on
from autoprof_ci.symbols.libc import c_name, is_allocator, is_allocator_entry
from autoprof_ci.symbols.source import other_name, rust_root, source_name

__all__ = ["MAX_NAME_CHARACTERS", "is_allocator", "is_allocator_entry", "normalise", "normalise_all", "passes_on"]

MAX_NAME_CHARACTERS = 4096
_MAX_MANGLED_CHARACTERS = 32_768
"""A longer mangled name is not demangled: nothing real is, and what it would expand to is unbounded."""

# Why multi-demangle (bench/demanglers.py, functions of cargo, a 78 MB Rust program, cmake, libstdc++, LLVM): it reads all of
# 4,467 legacy and 23,738 v0 names as the compiler's own rustc-demangle does, and 130,915 of 131,191 C++ names come to the name
# that c++filt leads to; 1.6, 3.0 and 5.8 us a symbol, many in one call that lets other threads run; released often.
# pydemumble: as right (130,898 C++ names) and as fast, but 215 hostile bytes become 67 MB of text, where this one stops.
# pyderust: no C++.
_NAME_ONLY = multi_demangle.DemangleOptions(return_type=False, parameters=False)

_MAX_ROUNDS = 64
_PURELY_MANGLED = re.compile(r"_{1,3}[ZR][\w.$]+", re.ASCII)
_MANGLED = re.compile(r"_{1,3}(?:Z|R[A-Z0-9])")
# `foo.cold`, `foo.constprop.0.isra.3`, `foo.llvm.8741`: a clone, a part or an internal name of foo.
_CLONE = re.compile(
    r"(?:\.(?:llvm\.[0-9A-F]+|(?:constprop|isra|part|lto_priv|clone|specialized|__uniq)\.\d+|(?:cold|warm|hot|unlikely|localalias)(?:\.\d+)?)"
    r"|\s\[clone [^\]]*\])+$"
)
_NUMBERED = re.compile(r"([A-Za-z_$][\w$]*)\.\d+$")
_VERSION = re.compile(r"@(?:plt|got|@?[A-Z][A-Za-z0-9]*_[\w.]+)$")
_RECURSION = re.compile(r"'\d+$")
_OFFSET = re.compile(r"\+0x[0-9a-f]+(?:/0x[0-9a-f]+)?$")
_INLINED = re.compile(r"\s\(inlined\)$")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+|[0-9a-f]{12,16}")
_KIND = re.compile(r"_\[[kijwa0-9]\]$")
# Interpreters: `process (app/worker.py:107)`, `~parse /srv/app/index.js:10:5`: the file stays, its folder and the line go.
_PLACE = re.compile(r"(?<=\S) (\(?)(?:/(?:[^/()]*/)*)?([^\s()]+\.\w{1,4}|<[^()<>]*>)(?::\d+)*(\)?)$")
_RUST_HASH = re.compile(r"::h[0-9a-f]{16}$")
_DECORATIONS = (
    ("+0x", _OFFSET),
    ("(inlined)", _INLINED),
    ("_[", _KIND),
    ("@", _VERSION),
    ("'", _RECURSION),
    (".", _CLONE),
    ("[clone", _CLONE),
    ("::h", _RUST_HASH),
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def normalise(raw: str) -> str:
    """The name of the source function behind one symbol; see `normalise_all`."""
    return normalise_all((raw,))[raw]


def normalise_all(raws: Iterable[str]) -> dict[str, str]:
    """Each distinct symbol -> the name of its source function. Idempotent; never empty, at most 4,096 printable characters.

    Reads mangled names (Rust legacy and v0, Itanium C++), C names, and what other profilers demangled already. What it cannot
    read it leaves as it is (Go, Python, Java, `[unknown]`), but for control characters, which are escaped.
    """
    distinct = list(dict.fromkeys(raws))
    names = dict(zip(distinct, _one_round(distinct), strict=True))
    # What came demangled may show something more to take off each time; of a mangled name nothing is left.
    unsure = [raw for raw, name in names.items() if name != raw and _PURELY_MANGLED.fullmatch(raw) is None]
    for _ in range(_MAX_ROUNDS):
        if not unsure:
            break
        again = dict(zip(unsure, _one_round([names[raw] for raw in unsure]), strict=True))
        unsure = [raw for raw, name in again.items() if name != names[raw]]
        names.update(again)
    return names


def _one_round(texts: list[str]) -> list[str]:
    stripped = [_without_decorations(_escaped(text)) for text in texts]
    mangled = list({text for text in stripped if len(text) <= _MAX_MANGLED_CHARACTERS and _MANGLED.match(text)})
    demangled = dict(zip(mangled, multi_demangle.demangle_symbols(mangled, _NAME_ONLY), strict=True))
    return [_named(text, demangled.get(text, text)) for text in stripped]


def _named(stripped: str, demangled: str) -> str:
    is_mangled = demangled != stripped
    name = source_name(_escaped(demangled), rust_root(stripped)) if is_mangled else c_name(other_name(stripped))
    if len(name) > MAX_NAME_CHARACTERS:
        name = name[: MAX_NAME_CHARACTERS - 1] + "…"
    return "[unknown]" if not name or _ADDRESS.fullmatch(name) else name


def _escaped(text: str) -> str:
    text = text.strip()
    if text.isascii() and text.isprintable():
        return text
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def _without_decorations(text: str) -> str:
    """Takes off, again and again, what stands behind the name; a mangled name that ends in E has nothing there."""
    while not (text.endswith("E") and text.startswith("_Z")):
        shorter = text
        for sign, pattern in _DECORATIONS:
            if sign in shorter:
                found = pattern.search(shorter)
                if found is not None and found.start() > 0:
                    shorter = shorter[: found.start()]
        if "." in shorter and " " in shorter:
            shorter = _PLACE.sub(r" \1\2\3", shorter)
        if "." in shorter and (numbered := _NUMBERED.fullmatch(shorter)) is not None:
            shorter = numbered[1]
        if shorter == text:
            break
        text = shorter
    return text
