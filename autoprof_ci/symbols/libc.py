"""What the C library and the allocators call their functions.

Knows names only: which are one function compiled for several processors or exported under several names, which belong to an
allocator, and by which of them a program asks it for memory. Knows nothing of mangling.

Two tools name the same code differently, and a newer machine differently again: what perf calls
``__memmove_avx512_unaligned_erms``, ``cfree@GLIBC_2.2.5``, ``__GI___libc_write``, callgrind calls
``__memcpy_avx_unaligned_erms``, ``free``, ``write``. Source of the lists: the symbol tables of glibc 2.17 to 2.42 (x86-64,
AArch64), where the same address has several names.
"""

from __future__ import annotations

import re

_PROCESSOR = (
    r"sse2|sse3|ssse3|sse4|sse4_1|sse4_2|sse41|sse42|avx|avx2|avx512|avx512f|avx512bw|avx512vl|evex|evex256|evex512|fma|fma4|erms"
    r"|generic|sve|a64fx|falkor|thunderx|thunderx2|oryon1|simd|asimd|mte|mops|zva64|emag|kunpeng|neon|nosimd|aarch64|ia32"
)
_DETAIL = r"unaligned|erms|rtm|back|fast|slow|bsf|no_bsf|movbe|no_vzeroupper|nomte|128|256|512"
_FOR_PROCESSOR = re.compile(
    rf"__([a-z]\w*?)_(?:{_PROCESSOR})(?:_(?:{_PROCESSOR}|{_DETAIL}))*|__((?:floor|ceil|rint|nearbyint|trunc|roundeven)f?)_c"
)

_INTERNAL = re.compile(r"__GI_(?=\w)|(?<=^_IO_)new_(?=file_)")
_EXPORTED = re.compile(
    r"_*(?:libc_|new_)?("
    r"malloc|calloc|realloc|reallocarray|free|cfree|memalign|aligned_alloc|posix_memalign|valloc|pvalloc"
    r"|read|write|readv|writev|pread|pwrite|open|openat|close|lseek|fcntl|ioctl|fsync|fdatasync|ftruncate|stat|fstat|lstat|fstatat|statfs"
    r"|mmap|munmap|mprotect|madvise|mremap|brk|sbrk|poll|ppoll|select|nanosleep|clock_nanosleep|clock_gettime|gettimeofday|sched_yield"
    r"|fork|vfork|waitpid|wait4|connect|accept|accept4|send|sendto|sendmsg|recv|recvfrom|recvmsg|readdir|getdents|getrandom|sigaction"
    r"|strto(?:l|ul|d|f)_l|strto(?:d|f)|qsort|qsort_r|fopen|fclose|fread|fwrite|fgets|fputs|fflush|memchr|rawmemchr|strdup|strndup"
    r"|pthread_(?:create|once|getspecific|setspecific|(?:mutex|rwlock|cond|spin)_\w+?|key_create)"
    r")(?:64)?"
)
_STRTOLL = re.compile(r"_*(strtou?l)l(?=_l|$)|_*(strtou?l_l_internal)")
_SAME_CODE = {
    "memcpy": "memmove",
    "mempcpy": "memmove",
    "memcpy_chk": "memmove",
    "memmove_chk": "memmove",
    "mempcpy_chk": "memmove",
    "memset_chk": "memset",
    "bcmp": "memcmp",
    "cfree": "free",
    "aligned_alloc": "memalign",
}


def c_name(name: str) -> str:
    """``__memmove_avx512_unaligned_erms`` -> ``memmove``, ``__GI___libc_write`` -> ``write``; any other name as it is.

    memcpy and memmove are one piece of code in glibc, under two names.
    """
    if name.startswith("_"):
        name = _INTERNAL.sub("", name)
        found = _FOR_PROCESSOR.fullmatch(name) or _EXPORTED.fullmatch(name)
        name = _STRTOLL.sub(_matched, name) if found is None else _matched(found)
    return _SAME_CODE.get(name, name)


def _matched(found: re.Match[str]) -> str:
    return found[found.lastindex or 0]


# By these a program asks for memory, or gives it back: C, C++, Rust, jemalloc, mimalloc, tcmalloc.
_ENTRY = re.compile(
    r"(?:je_|mi_|_rjem_|tc_)?(?:malloc|calloc|zalloc|realloc|reallocarray|reallocf|free|free_size|cfree|memalign|posix_memalign"
    r"|aligned_alloc|valloc|pvalloc|mallocx|rallocx|xallocx|dallocx|sdallocx|malloc_aligned|zalloc_aligned|realloc_aligned)"
    r"|operator (?:new|delete)(?:\[\])?"
    r"|(?:\w+::)*__(?:rust|rdl|rg)_(?:alloc|alloc_zeroed|dealloc|realloc)"
    r"|alloc::alloc::(?:alloc|alloc_zeroed|dealloc|realloc|exchange_malloc)"
    r"|<.* as core::alloc::(?:global::)?GlobalAlloc>::\w+"
)

# glibc malloc/malloc.c and malloc/arena.c, musl mallocng, jemalloc 5, mimalloc 2 and 3, tcmalloc.
_INSIDE = re.compile(
    r"_int_(?:malloc|free\w*|realloc|memalign)|_mid_memalign|malloc_(?:consolidate|trim|init\w*|hook_ini)|ptmalloc_init|unlink_chunk"
    r"|sysmalloc\w*|systrim|mtrim|tcache_\w+|arena_get\w*|detach_arena|alloc_perturb|free_perturb|munmap_chunk|mremap_chunk"
    r"|alloc_new_heap|new_heap|heap_trim|grow_heap|shrink_heap|checked_request2size|__glibc_morecore"
    r"|__libc_malloc_impl|__malloc_\w+|alloc_slot|alloc_group|nontrivial_free|get_meta|default_malloc|__simple_malloc"
    r"|(?:__)?bin_chunk|__expand_heap"
    r"|(?:_rjem_)?je_\w+|_?mi_\w+|tcmalloc::.*"
)


def is_allocator_entry(name: str) -> bool:
    """Is `name`, normalised, how a program asks for memory or gives it back? How often it does is the program's own doing."""
    return _ENTRY.fullmatch(name) is not None


def is_allocator(name: str) -> bool:
    """Does `name`, normalised, belong to an allocator? What its insides cost depends on the layout of the heap."""
    return _ENTRY.fullmatch(name) is not None or _INSIDE.fullmatch(name) is not None
