"""The zip that an artifact is: many files into one, and one bundle out of what somebody else zipped.

Knows zip files. Must not know GitHub, nor what the files mean. Nothing is ever written to a path that an archive names.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from autoprof_ci.errors import DataError

BUNDLE_SUFFIX = ".bundle.zip"
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)
"""In every member: the same files give the same bytes. The earliest that a zip can say."""
_PACKED_ALREADY = frozenset({".zip", ".png", ".zst", ".gz", ".xz", ".jpg", ".webp", ".woff2"})
_COPY_BYTES = 1 << 20
_MEMBER = re.compile(r"[^/\\\x00-\x1f:]+(/[^/\\\x00-\x1f:]+)*")
_END_RECORD = struct.Struct("<4s4H2LH")
_MAX_DIRECTORY_BYTES = 64 * 1024
_MAX_RATIO = 250
_RATIO_COUNTS_FROM_BYTES = 1 << 20
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, struct.error, OSError)
"""What zipfile raises for bytes that only look like a zip."""


def zip_of(files: Mapping[str, bytes | Path], target: Path) -> None:
    """Writes the zip of `files` (member name -> content, or where it is) to `target`; equal files give equal bytes.

    Members are in the order of their names, text is packed, what is packed already is only stored. Raises `DataError` for a
    name that would leave the folder it is unpacked to, `OSError` where the disk does not play along.
    """
    with zipfile.ZipFile(target, "w") as archive:
        for name in sorted(files):
            content = files[name]
            if not _MEMBER.fullmatch(name) or ".." in name.split("/"):
                raise DataError(f"{name[:80]!r} cannot be the name of a file in an artifact", "Rename the file")
            info = zipfile.ZipInfo(name, date_time=_TIMESTAMP)
            info.create_system = 3
            info.external_attr = 0o644 << 16
            packed = Path(name).suffix.lower() in _PACKED_ALREADY
            info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            if isinstance(content, bytes):
                archive.writestr(info, content, compresslevel=6)
            else:
                _copied(archive, info, content)


def files_of(folder: Path) -> dict[str, Path]:
    """Every regular file below `folder` by its name in a zip; symbolic links are nobody's content and are left out."""
    found: dict[str, Path] = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if path.is_file() and not path.is_symlink():
                found[path.relative_to(folder).as_posix()] = path
    return found


def bundle_in(artifact: bytes, max_bytes: int) -> bytes:
    """The bundle that `artifact` is, or that is its only ``*.bundle.zip`` (as actions/upload-artifact would pack it).

    What is neither is handed on as it is: the reader of bundles knows best how to say what is wrong. Raises `DataError` for
    a member that cannot be taken out, or unpacks to more than `max_bytes`.
    """
    if not _directory_is_small(artifact):
        return artifact
    try:
        with zipfile.ZipFile(io.BytesIO(artifact)) as archive:
            inside = [info for info in archive.infolist() if info.filename.endswith(BUNDLE_SUFFIX)]
            if len(inside) != 1 or "manifest.json" in archive.namelist():
                return artifact
            return _content(archive, inside[0], max_bytes)
    except _DAMAGE as error:
        raise DataError("The zip of the artifact is damaged", "A new run makes a new one") from error


def member(artifact: bytes, name: str, max_bytes: int) -> bytes | None:
    """The content of the one member called `name`; ``None`` where there is none, or no zip.

    Raises `DataError` where there are several, or it cannot be taken out, or unpacks to more than `max_bytes`.
    """
    if not _directory_is_small(artifact):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(artifact)) as archive:
            called_so = [info for info in archive.infolist() if info.filename == name]
            if len(called_so) > 1:
                raise DataError(f"The artifact holds {name} more than once", "Do not trust it")
            return _content(archive, called_so[0], max_bytes) if called_so else None
    except _DAMAGE as error:
        raise DataError("The zip of the artifact is damaged", "A new run makes a new one") from error


def _directory_is_small(data: bytes) -> bool:
    """zipfile makes an object of every entry that the end record claims: gigabytes, if it is asked nicely."""
    start = data.rfind(b"PK\x05\x06", max(0, len(data) - _END_RECORD.size - 65535))
    if start < 0 or len(data) - start < _END_RECORD.size or data[max(0, start - 20) : start].startswith(b"PK\x06\x07"):
        return False
    return bool(_END_RECORD.unpack_from(data, start)[5] <= _MAX_DIRECTORY_BYTES)


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo, max_bytes: int) -> bytes:
    called = f"{info.filename[-80:]!a} in the artifact"
    if info.flag_bits & 0x1:
        raise DataError(f"{called} is encrypted", "Do not trust it")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(f"{called} is packed in a way that no uploader of artifacts uses", "Do not trust it")
    if info.file_size > max_bytes:
        limit = f"{max_bytes >> 20} MiB" if max_bytes >= 1 << 20 else f"{max_bytes >> 10} KiB"
        raise DataError(f"{called} unpacks to more than {limit}", "Do not trust it")
    if info.file_size > max(_RATIO_COUNTS_FROM_BYTES, _MAX_RATIO * info.compress_size):
        raise DataError(f"{called} unpacks to more than {_MAX_RATIO} times its size", "Do not trust it")
    with archive.open(info) as member:
        content = member.read(info.file_size + 1)
    if len(content) != info.file_size:
        raise DataError(f"{called} is shorter than its zip says", "A new run makes a new one")
    return content


def _copied(archive: zipfile.ZipFile, info: zipfile.ZipInfo, source: Path) -> None:
    # The size is told beforehand, so that a file of more than 2 GiB gets the records that it needs.
    info.file_size = source.stat().st_size
    with source.open("rb") as read, archive.open(info, "w") as written:
        shutil.copyfileobj(read, written, _COPY_BYTES)
