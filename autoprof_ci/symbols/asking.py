"""Which functions only pass a wish for memory on: those of allocators, of containers and of iterators.

Knows names only, as `normalise` gives them. Whoever calls these is who asks: `Vec::push` grows a list because its caller puts
something in.
"""

from __future__ import annotations

import re

from autoprof_ci.symbols.libc import is_allocator

# `alloc::raw_vec::RawVec::grow_one`, `<alloc::string::String as core::fmt::Write>::write_str`, `<T as
# alloc::string::ToString>::to_string`: of core, alloc and what the standard library's maps are made of.
_RUST = re.compile(
    r"<?(?:(?:&|\*|mut |const |dyn |\()*)"
    r"(?:(?:alloc|core|hashbrown|std::(?:collections|ffi|path|vec|string|boxed|sys::(?:os_str|pal::\w+::os_str)))::"
    r"|(?:\[\w*\]|str|bool|char|[iu](?:8|16|32|64|128|size)|f(?:32|64)|[A-Z]\w?) as (?:alloc|core)::)"
)
_CPP = re.compile(
    r"std::(?:__\w+::)*(?:vector|deque|list|forward_list|(?:unordered_)?(?:multi)?(?:map|set)|basic_\w*string\w*|string|allocator\w*|function"
    r"|(?:make|allocate)_(?:unique|shared)\w*|(?:shared|unique|weak)_ptr|_\w+)\b.*"
    r"|__gnu_cxx::.*"
)
_C = re.compile(
    r"_*(?:x|g_|str_)?(?:strdup|strndup|v?asprintf)|(?:x|g_)(?:try_)?(?:malloc|calloc|realloc|zalloc|new)\w*"
    r"|sqlite3(?:Mem|Db)?(?:Malloc|Realloc|StrDup|StrNDup)\w*|sqlite3_(?:malloc|realloc)(?:64)?|db(?:Malloc|Realloc)\w+|pcache1Alloc"
)


def passes_on(name: str) -> bool:
    """Whether a function called `name` asks for memory on behalf of whoever calls it."""
    return (
        is_allocator(name) or _RUST.match(name) is not None or _CPP.fullmatch(name) is not None or _C.fullmatch(name) is not None
    )
