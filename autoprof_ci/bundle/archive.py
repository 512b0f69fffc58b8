"""The zip around a bundle: which members there may be, how large they may get, how to get them out without harm.

Knows nothing of what the members mean. Nothing is ever written to a path that an archive names: members go from bytes to bytes.

    PK\\3\\4 member … member | central directory | end record (last 22 bytes: no comment, no zip64)

`zipfile` believes whatever the end record says, so that is read first, by hand: a directory of millions of entries would be
objects of gigabytes before the first of them could be looked at.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping

from autoprof_ci.bundle.refusal import DO_NOT_TRUST, DOWNLOAD_AGAIN, WRITTEN_BY_US, RefusedError, shown

MIB = 1 << 20
MAX_BUNDLE_BYTES = 512 * MIB
MAX_MEMBERS = 256
MAX_DIRECTORY_BYTES = 64 * 1024
MAX_TEXT_BYTES = 128 * MIB
"""Of all members together that are unpacked here; stored programs stay packed."""
MAX_RATIO = 250
RATIO_COUNTS_FROM_BYTES = 1 * MIB

MANIFEST = "manifest.json"
SAMPLES = "samples.json"
TIME = "time.json"
INSTRUCTIONS = "instructions.json"
MEMORY = "memory.json"
CODE = "code.json"

MAX_MEMBER_BYTES = {
    MANIFEST: 4 * MIB,
    SAMPLES: 32 * MIB,
    TIME: 32 * MIB,
    INSTRUCTIONS: 32 * MIB,
    MEMORY: 32 * MIB,
    CODE: 32 * MIB,
}
MAX_STACKS_BYTES = 32 * MIB
MAX_PACKED_BINARY_BYTES = 64 * MIB

_STACKS = re.compile(r"stacks/([A-Za-z0-9_][A-Za-z0-9_.+-]{0,99})\.folded", re.ASCII)
_BINARY = re.compile(r"binaries/([A-Za-z0-9_][A-Za-z0-9_.+-]{0,99})\.zst", re.ASCII)
_END_RECORD = struct.Struct("<4s4H2LH")
_ZIP64_LOCATOR_BYTES = 20
_LOCAL_HEADER_BYTES = 30
_ENCRYPTED_FLAGS = 0x1 | 0x40 | 0x2000
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error, UnicodeDecodeError)
"""What zipfile raises for bytes that only look like a zip."""
# A fixed time in every member: equal bundles are equal bytes. The earliest a zip can say.
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)


def stacks_member(workload: str) -> str:
    return f"stacks/{workload}.folded"


def binary_member(name: str) -> str:
    return f"binaries/{name}.zst"


def workload_of_stacks(member: str) -> str | None:
    """The workload whose folded stacks `member` holds; ``None`` for any other member."""
    match = _STACKS.fullmatch(member)
    return match.group(1) if match else None


def is_binary(member: str) -> bool:
    """Whether `member` holds a packed program."""
    return _BINARY.fullmatch(member) is not None


def looks_like_zip(data: bytes) -> bool:
    return data.startswith(b"PK\x03\x04")


def write(members: Mapping[str, bytes]) -> bytes:
    """A zip of `members` in their order; the same members give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", allowZip64=False) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, date_time=_TIMESTAMP)
            info.create_system = 3
            info.external_attr = 0o644 << 16
            # What is zstd already would only cost time to deflate; text of this kind gains 2 % from level 9 over 6.
            info.compress_type = zipfile.ZIP_STORED if is_binary(name) else zipfile.ZIP_DEFLATED
            archive.writestr(info, content, compresslevel=6)
    return buffer.getvalue()


def read(data: bytes) -> dict[str, bytes]:
    """All members of `data` by name. Raises `RefusedError` for whatever `write` would not have written."""
    with _opened(data) as archive:
        infos = archive.infolist()
        _check_directory(infos, data)
        return {info.filename: _content(archive, info) for info in infos}


def read_manifest(data: bytes) -> bytes:
    """``manifest.json`` alone, whatever else there is: a newer schema may have members and sizes that `read` does not know."""
    with _opened(data) as archive:
        if MANIFEST not in archive.namelist():
            raise RefusedError(f"it is not a bundle: it has no member {MANIFEST}", WRITTEN_BY_US)
        info = archive.getinfo(MANIFEST)
        _check_member(info)
        return _content(archive, info)


def _opened(data: bytes) -> zipfile.ZipFile:
    _check_end_record(data)
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except _DAMAGE as error:
        raise RefusedError("the directory of the zip is damaged", DOWNLOAD_AGAIN) from error


def _check_end_record(data: bytes) -> None:
    if len(data) > MAX_BUNDLE_BYTES:
        raise RefusedError(f"it is larger than {MAX_BUNDLE_BYTES // MIB} MiB", DO_NOT_TRUST)
    if not data:
        raise RefusedError("it is empty", DOWNLOAD_AGAIN)
    if not looks_like_zip(data):
        raise RefusedError("it is not a bundle", WRITTEN_BY_US)
    tail = data[-_END_RECORD.size :]
    if len(tail) < _END_RECORD.size or not tail.startswith(b"PK\x05\x06"):
        raise RefusedError("it is cut off: the zip has no end", DOWNLOAD_AGAIN)
    _, disk, directory_disk, entries_here, entries, directory_bytes, directory_offset, comment = _END_RECORD.unpack(tail)
    end = len(data) - _END_RECORD.size
    if data[end - _ZIP64_LOCATOR_BYTES : end].startswith(b"PK\x06\x07"):
        raise RefusedError("the zip is of the 64-bit kind", DO_NOT_TRUST)
    if entries > MAX_MEMBERS or directory_bytes > MAX_DIRECTORY_BYTES:
        raise RefusedError(f"the zip has more than {MAX_MEMBERS} members", DO_NOT_TRUST)
    if disk or directory_disk or entries_here != entries or comment or directory_offset + directory_bytes != end:
        raise RefusedError("the end of the zip contradicts the rest of it", DOWNLOAD_AGAIN)


def _check_directory(infos: list[zipfile.ZipInfo], data: bytes) -> None:
    if len(infos) > MAX_MEMBERS:
        raise RefusedError(f"the zip has more than {MAX_MEMBERS} members", DO_NOT_TRUST)
    names: set[str] = set()
    for info in infos:
        _check_member(info)
        if info.filename in names:
            raise RefusedError(f"member {shown(info.filename)} is there twice", DO_NOT_TRUST)
        names.add(info.filename)
    # Members that share bytes unpack to far more than the file is large.
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end or info.header_offset > len(data):
            raise RefusedError(f"member {shown(info.filename)} overlaps another one", DO_NOT_TRUST)
        end = info.header_offset + _LOCAL_HEADER_BYTES + len(info.filename) + info.compress_size
    if end > len(data):
        raise RefusedError("a member is larger than the whole file", DO_NOT_TRUST)
    if sum(info.file_size for info in infos if not is_binary(info.filename)) > MAX_TEXT_BYTES:
        raise RefusedError(f"its members unpack to more than {MAX_TEXT_BYTES // MIB} MiB", DO_NOT_TRUST)


def _check_member(info: zipfile.ZipInfo) -> None:
    name = shown(info.orig_filename)
    limit = _limit_bytes(info)
    if limit is None:
        raise RefusedError(f"member {name} does not belong in a bundle", DO_NOT_TRUST)
    if info.flag_bits & _ENCRYPTED_FLAGS:
        raise RefusedError(f"member {name} is encrypted", DO_NOT_TRUST)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise RefusedError(f"member {name} is packed in an unknown way", DO_NOT_TRUST)
    if info.file_size > limit:
        raise RefusedError(f"member {name} unpacks to more than {limit // MIB} MiB", DO_NOT_TRUST)
    if info.file_size > RATIO_COUNTS_FROM_BYTES and info.file_size > MAX_RATIO * info.compress_size:
        raise RefusedError(f"member {name} unpacks to more than {MAX_RATIO} times its size", DO_NOT_TRUST)


def _limit_bytes(info: zipfile.ZipInfo) -> int | None:
    """How large this member may be unpacked; ``None`` if it has no business here."""
    # zipfile ends a name at its first NUL and turns a backslash of Windows around; only what was written counts.
    if info.filename != info.orig_filename:
        return None
    if info.filename in MAX_MEMBER_BYTES:
        return MAX_MEMBER_BYTES[info.filename]
    if _STACKS.fullmatch(info.filename):
        return MAX_STACKS_BYTES
    if is_binary(info.filename):
        return MAX_PACKED_BINARY_BYTES
    return None


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The member's bytes. Reading is capped by the size that the directory quotes, which has been checked."""
    try:
        with archive.open(info) as member:
            content = member.read(info.file_size + 1)
    except _DAMAGE as error:
        raise RefusedError(f"member {shown(info.filename)} is damaged", DOWNLOAD_AGAIN) from error
    if len(content) != info.file_size:
        raise RefusedError(f"member {shown(info.filename)} is shorter than the zip says", DOWNLOAD_AGAIN)
    return content
