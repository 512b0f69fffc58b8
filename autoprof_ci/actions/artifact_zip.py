"""The zip that an artifact is: many files into one, and one bundle out of what somebody else zipped.

Knows zip files. Must not know GitHub, nor what the files mean. Nothing is ever written to a path that an archive names.
"""

from __future__ import annotations

import io
import os
import re
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
