"""Functions that grow along with others and are no story themselves: allocators, movers of bytes, rows for a whole file.

Knows names only. A reader who hears that `malloc` is called more often asks who calls it; a reader who hears of a regular
expression knows where to look.
"""

from __future__ import annotations

import re

from autoprof_ci import symbols

_BYTES = re.compile(
    r"_*(?:mem(?:cpy|move|cmp|set|chr|rchr)|mempcpy|bcmp|bzero|str(?:len|cmp|ncmp|cpy|chr))(?:_\w+)?"
    r"|alloc::(?:raw_vec|alloc)::.*|<?alloc::vec::Vec\b.*|core::ptr::drop_in_place\b.*|core::ops::function::Fn\w*::.*"
    r"|operator (?:new|delete)\b.*"
)


def is_allocator(name: str) -> bool:
    """Whether `name` is an allocator's, whose cost depends on the layout of the heap."""
    return symbols.is_allocator(name)


def stands_for_a_file(name: str) -> bool:
    """``[kernel]``, ``[helper]``, ``[unknown]``: a row for all that happens somewhere."""
    return name.startswith("[") and name.endswith("]")


def is_bystander(name: str) -> bool:
    """Whether another function, if any moved with this one, tells better what happened."""
    return stands_for_a_file(name) or is_allocator(name) or _BYTES.fullmatch(name) is not None
