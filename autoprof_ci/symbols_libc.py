"""What the C library and the allocators call their functions.

Knows names only: which are one function compiled for several processors, which belong to an allocator, and by which of them a
program asks it for memory. Knows nothing of mangling.
"""

from __future__ import annotations

import re

# glibc picks one of these when it is loaded (x86-64 and AArch64 `multiarch` folders, 2.17 to 2.42).
_VARIANT = (
    r"sse2|sse3|ssse3|sse4|sse4_1|sse4_2|sse41|sse42|avx|avx2|avx512|avx512f|avx512bw|avx512vl|evex|evex256|evex512|fma|fma4|erms"
    r"|generic|sve|a64fx|falkor|thunderx|thunderx2|oryon1|simd|asimd|mte|mops|zva64|emag|kunpeng|neon|aarch64|c|ia32"
)
_DETAIL = r"unaligned|erms|rtm|back|fast|slow|bsf|no_bsf|movbe|no_vzeroupper|nomte|vzeroupper|128|256|512"
_CPU_VARIANT = re.compile(rf"__([a-z][a-z0-9_]*?)_(?:{_VARIANT})(?:_(?:{_VARIANT}|{_DETAIL}))*")
_INTERNAL = re.compile(r"__GI_+(?=[a-z])|__(?=libc_(?:malloc|free|calloc|realloc|memalign|valloc|pvalloc)$)")
_SAME_CODE = {
    "memcpy": "memmove",
    "mempcpy": "memmove",
    "bcmp": "memcmp",
    "memcpy_chk": "memmove",
    "memmove_chk": "memmove",
}


def without_cpu_variant(name: str) -> str:
    """``__memmove_avx512_unaligned_erms`` -> ``memmove``; any other name as it is.

    memcpy and memmove are one piece of code in glibc, under two names: which one a tool prints depends on the tool.
    """
    if not name.startswith("_"):
        return name
    found = _CPU_VARIANT.fullmatch(name)
    if found is None:
        return name
    return _SAME_CODE.get(found[1], found[1])


# By these a program asks for memory, or gives it back: C, C++ (`operator new`), Rust, jemalloc, mimalloc.
_ENTRY = re.compile(
    r"(?:je_|mi_|rje_|_rjem_|tc_|sdallocx|rallocx|mallocx|dallocx)?(?:malloc|calloc|realloc|reallocarray|reallocf|free|cfree)"
    r"|posix_memalign|aligned_alloc|memalign|valloc|pvalloc|operator (?:new|delete)(?:\[\])?"
    r"|(?:\w+::)?__(?:rust|rdl|rg)_(?:alloc|alloc_zeroed|dealloc|realloc)"
)


def is_allocator_entry(name: str) -> bool:
    """Is `name`, normalised, a function by which a program asks for memory or gives it back? Its calls are the program's doing."""
    return _ENTRY.fullmatch(name) is not None


def is_allocator(name: str) -> bool:
    """Does `name`, normalised, belong to an allocator? What its insides cost depends on the layout of the heap."""
    return is_allocator_entry(name) or _INSIDE.fullmatch(name) is not None


# glibc malloc/malloc.c, malloc/arena.c (2.17 to 2.42); jemalloc 5; mimalloc 2 and 3; tcmalloc.
_INSIDE = re.compile(
    r"_int_(?:malloc|free\w*|realloc|memalign)|_mid_memalign|malloc_(?:consolidate|init\w*|trim)|ptmalloc_init|unlink_chunk|sysmalloc\w*|systrim"
    r"|tcache_\w+|arena_get\w*|alloc_perturb|free_perturb|munmap_chunk|mremap_chunk|new_heap|alloc_new_heap|heap_trim|grow_heap"
    r"|shrink_heap|checked_request2size|detach_arena|mtrim"
    r"|_?(?:r?je|_rjem_je)_\w+|_?_?mi_\w+|tcmalloc::.*"
)
