"""Bundles: a recording with everything that is needed to compare it later, as one zip file of at most 512 MiB.

Pure: bytes <-> `model.Bundle`. A bundle from outside is hostile (a fork's pull request can write one), so `decode` gives a
checked value or raises `DataError`, whatever it is given, in bounded memory. The parts:

    archive    the zip: which members, how large          schema_1/  what the members say
    documents  JSON, strictly                              suite      time.json for pyperf's users
    refusal    why a bundle is refused, which text may be  binaries   programs: packed, without debug information
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from autoprof_ci.bundle import archive, documents, schema_1
from autoprof_ci.bundle.archive import MAX_BUNDLE_BYTES, looks_like_zip
from autoprof_ci.bundle.binaries import pack_binary, unpack_binary
from autoprof_ci.bundle.refusal import FILE_NAME_PATTERN, RefusedError, shown
from autoprof_ci.bundle.suite import time_suite
from autoprof_ci.errors import DataError
from autoprof_ci.model import Bundle

__all__ = [
    "FILE_NAME_PATTERN",
    "MAX_BUNDLE_BYTES",
    "decode",
    "encode",
    "looks_like_zip",
    "pack_binary",
    "time_suite",
    "unpack_binary",
]

# One reader for each schema that was ever released; a new schema adds a line, none is ever taken away.
_READERS = {1: schema_1.from_members}


class _SchemaOnly(msgspec.Struct):
    """A manifest of any version: the one key that all have."""

    schema: Annotated[int, Meta(ge=1, le=1_000_000)]


def encode(bundle: Bundle) -> bytes:
    """The zip file of `bundle`; equal bundles give equal bytes.

    Raises `DataError` where the result could not be read again (a name too long, a number that is none): better now than in
    the pull request that needs this baseline.
    """
    members = schema_1.to_members(bundle)
    suite = time_suite(bundle)
    if suite is not None:
        members[archive.TIME] = suite
    data = archive.write(members)
    try:
        _decode(data)
    except RefusedError as refused:
        raise DataError(
            f"what was measured cannot be kept as a bundle: {refused.reason}",
            "If autoprof-ci itself wrote that value, please report it",
        ) from refused
    return data


def decode(data: bytes, *, source: str) -> Bundle:
    """The bundle in `data`. `source`: its name for errors. Raises `DataError` for everything that `encode` would not write.

    Stored programs stay packed and unchecked: see `unpack_binary`. The caller has looked at the file's size before reading it
    (`MAX_BUNDLE_BYTES`).
    """
    try:
        return _decode(data)
    except RefusedError as refused:
        raise DataError(f"{shown(source)}: {refused.reason}", refused.next_step) from refused


def _decode(data: bytes) -> Bundle:
    schema = documents.parse(archive.MANIFEST, archive.read_manifest(data), _SchemaOnly).schema
    if schema not in _READERS:
        raise RefusedError(
            f"its schema {schema} is newer than this autoprof-ci, which reads up to {max(_READERS)}", "Update autoprof-ci"
        )
    return _READERS[schema](archive.read(data))
