"""Programs in a bundle: packed with zstd, whole where that is small enough, else without their debug information.

Knows ELF as far as its section headers (System V ABI, chapter 4). Nothing else about a program matters here.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace

import zstandard
from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import NoteSection, Section

from autoprof_ci.bundle.archive import MAX_PACKED_BINARY_BYTES, MIB
from autoprof_ci.bundle.refusal import DO_NOT_TRUST, DOWNLOAD_AGAIN, shown
from autoprof_ci.errors import DataError, ProgramError
from autoprof_ci.model import StoredBinary

# The autopilot of 78 MB: level 3 packs to 20.6 MB in 0.5 s, 6 to 19.1 MB in 1.5 s, 9 to 18.6 MB in 2.1 s; a second thread
# gains nothing.
LEVEL = 3
MAX_BINARY_BYTES = 2 * 1024 * MIB
MAX_WINDOW_BYTES = 8 * MIB
"""Of a zstd frame that we unpack; level 3 asks for 2 MiB, a hostile frame for gigabytes."""

_DEBUG_PREFIXES = (".debug_", ".zdebug_", ".gdb_index")
_ALLOCATED = 0x2
_ELF_ERRORS = (ELFError, ValueError, KeyError, IndexError, OverflowError, AttributeError, TypeError, UnicodeDecodeError)
"""What pyelftools raises for files that only look like ELF."""


def pack_binary(name: str, data: bytes, *, limit_bytes: int = MAX_PACKED_BINARY_BYTES) -> StoredBinary:
    """The program file `data` as a bundle keeps it. `name`: its base name. `limit_bytes`: of what is kept.

    Whole if it packs to at most that, else without debug sections. Raises `ProgramError` if it is too large even then.
    """
    packed = _pack(data)
    stored = StoredBinary(
        name=name, sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data), build_id=build_id_of(data), packed=packed
    )
    if len(packed) <= limit_bytes:
        return stored
    stripped = without_debug_information(data)
    packed = _pack(stripped)
    if len(packed) > limit_bytes:
        raise ProgramError(
            f"the program {shown(name)} packs to more than {limit_bytes // MIB} MiB even without debug information",
            "Leave large data out of the program file, or build it with less inlined into it",
        )
    return replace(stored, debug_removed=True, content_sha256=hashlib.sha256(stripped).hexdigest(), packed=packed)


def unpack_binary(binary: StoredBinary) -> bytes:
    """The program file out of a bundle, without debug information where `debug_removed` says so.

    Raises `DataError` where it is not kept, does not unpack, or is not what its digest says.
    """
    name = shown(binary.name)
    if binary.packed is None:
        raise DataError(f"the bundle does not hold the program {name}", "Name the program with `--baseline-binary`")
    if binary.size_bytes > MAX_BINARY_BYTES:
        raise DataError(f"the stored program {name} claims to be larger than {MAX_BINARY_BYTES // MIB} MiB", DO_NOT_TRUST)
    unpacker = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
    content = bytearray()
    try:
        with unpacker.stream_reader(io.BytesIO(binary.packed)) as reader:
            # Piece by piece: neither the frame's nor the manifest's word on its size is taken.
            while piece := reader.read(MIB):
                content += piece
                if len(content) > binary.size_bytes:
                    raise DataError(f"the stored program {name} unpacks to more than the bundle says", DO_NOT_TRUST)
    except zstandard.ZstdError as error:
        raise DataError(f"the stored program {name} does not unpack ({shown(str(error))})", DOWNLOAD_AGAIN) from error
    if hashlib.sha256(content).hexdigest() != (binary.content_sha256 or binary.sha256):
        raise DataError(f"the stored program {name} is not what its digest says", DOWNLOAD_AGAIN)
    return bytes(content)


def build_id_of(data: bytes) -> str | None:
    """The GNU build-id in hexadecimal; ``None`` where there is none."""
    try:
        for section in ELFFile(io.BytesIO(data)).iter_sections(type="SHT_NOTE"):
            if isinstance(section, NoteSection):
                for note in section.iter_notes():
                    if note["n_type"] == "NT_GNU_BUILD_ID":
                        return str(note["n_desc"])
    except _ELF_ERRORS:
        return None
    return None


def without_debug_information(data: bytes) -> bytes:
    """`data` with its debug sections zeroed and marked as unused; the same bytes back if it is no ELF file.

    Every other section keeps its place, its number and its bytes, so that what runs, and the symbols by which profilers name
    it, are the same to the last bit; the zeros pack to nothing. A marked section (type ``SHT_NULL``, size 0) is passed over by
    readers of DWARF, whereas valgrind stops at a ``.debug_info`` full of zeros.
    """
    try:
        elf = ELFFile(io.BytesIO(data))
        sections = [(number, section) for number, section in enumerate(elf.iter_sections()) if _is_debug(section)]
        table, entry_bytes = elf["e_shoff"], elf["e_shentsize"]
    except _ELF_ERRORS:
        return data
    content = bytearray(data)
    for number, section in sections:
        start, size = section["sh_offset"], section["sh_size"]
        if start + size > len(data) or table + (number + 1) * entry_bytes > len(data):
            return data
        content[start : start + size] = bytes(size)
        header = table + number * entry_bytes
        content[header : header + entry_bytes] = bytes(entry_bytes)
    return bytes(content)


def _is_debug(section: Section) -> bool:
    return section.name.startswith(_DEBUG_PREFIXES) and not section["sh_flags"] & _ALLOCATED


def _pack(data: bytes) -> bytes:
    return bytes(zstandard.ZstdCompressor(level=LEVEL).compress(data))
