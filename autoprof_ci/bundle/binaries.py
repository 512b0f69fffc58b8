"""Programs in a bundle: packed with zstd, whole where that is small enough, else without their debug information.

Knows ELF as far as its section headers (System V ABI, chapter 4). Nothing else about a program matters here.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, replace

import zstandard

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
    elf = _read_elf(data)
    return None if elf is None else elf.build_id


def without_debug_information(data: bytes) -> bytes:
    """`data` with its debug sections zeroed and marked as unused; the same bytes back if it is no ELF file.

    Every other section keeps its place, its number and its bytes, so that what runs, and the symbols by which profilers name
    it, are the same to the last bit; the zeros pack to nothing. A marked section (type ``SHT_NULL``, size 0) is passed over by
    readers of DWARF, where a ``.debug_info`` full of zeros would be read and found broken.
    """
    elf = _read_elf(data)
    if elf is None:
        return data
    content = bytearray(data)
    for section in elf.debug_sections:
        for start, size in ((section.start, section.size), (section.header, elf.header_bytes)):
            if start + size > len(data):
                return data
            content[start : start + size] = bytes(size)
    return bytes(content)


@dataclass(frozen=True, slots=True, kw_only=True)
class _DebugSection:
    """Offsets in the file, in bytes: of the section's bytes and of its entry in the table of sections."""

    start: int
    size: int
    header: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Elf:
    build_id: str | None
    header_bytes: int
    debug_sections: tuple[_DebugSection, ...]


def _read_elf(data: bytes) -> _Elf | None:
    """What matters here of an ELF file; ``None`` for anything else, also for what only begins like one."""
    # pyelftools takes 0.03 s to import, which reading a bundle need not pay.
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import NoteSection

    build_id = None
    debug_sections = []
    try:
        elf = ELFFile(io.BytesIO(data))
        for number, section in enumerate(elf.iter_sections()):
            if isinstance(section, NoteSection):
                for note in section.iter_notes():
                    if note["n_type"] == "NT_GNU_BUILD_ID":
                        build_id = str(note["n_desc"])
            elif section.name.startswith(_DEBUG_PREFIXES) and not section["sh_flags"] & _ALLOCATED:
                header = elf["e_shoff"] + number * elf["e_shentsize"]
                debug_sections.append(_DebugSection(start=section["sh_offset"], size=section["sh_size"], header=header))
        return _Elf(build_id=build_id, header_bytes=elf["e_shentsize"], debug_sections=tuple(debug_sections))
    # pyelftools checks little: a damaged file ends in whatever its numbers run into.
    except (ELFError, ValueError, KeyError, IndexError, OverflowError, AttributeError, TypeError):
        return None


def _pack(data: bytes) -> bytes:
    return bytes(zstandard.ZstdCompressor(level=LEVEL).compress(data))
