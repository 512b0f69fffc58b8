"""Bytes into the blob store behind a signed address: blocks one after another, then the list that makes a file of them.

Knows the block blobs of Azure's REST interface (Put Block, Put Block List, version 2021 and later). Must not know what the bytes
are. One block at a time, because act's server joins them in the order they arrive.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import requests

from autoprof_ci.actions.transport import FAILURES, ArtifactError, NoToken, failure_said

BLOCK_BYTES = 8 << 20
_CODE = re.compile(rb"<Code>([A-Za-z]{1,60})</Code>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What the store has now. `sha256`: 64 hex digits, of the bytes as they were sent."""

    size_bytes: int
    sha256: str


def send(http: requests.Session, signed_url: str, content: bytes | Path) -> Sent:
    """Stores `content`. A block that fails is sent again, the others are not. Raises `ArtifactError`."""
    digest = hashlib.sha256()
    ids: list[str] = []
    size_bytes = 0
    with _opened(content) as stream:
        for block in _blocks(stream):
            block_id = base64.b64encode(f"block-{len(ids):010d}".encode()).decode()
            _put(http, f"{signed_url}&comp=block&blockid={quote(block_id, safe='')}", block, f"block {len(ids) + 1}")
            ids.append(block_id)
            digest.update(block)
            size_bytes += len(block)
    listed = "".join(f"<Latest>{each}</Latest>" for each in ids)
    document = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{listed}</BlockList>'
    _put(http, f"{signed_url}&comp=blocklist", document.encode(), "the list of blocks")
    return Sent(size_bytes=size_bytes, sha256=digest.hexdigest())


@contextmanager
def _opened(content: bytes | Path) -> Iterator[BinaryIO]:
    with io.BytesIO(content) if isinstance(content, bytes) else content.open("rb") as stream:
        yield stream


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    while block := stream.read(BLOCK_BYTES):
        yield block


def _put(http: requests.Session, url: str, body: bytes, part: str) -> None:
    headers = {"Content-Type": "application/octet-stream", "x-ms-blob-content-type": "application/zip"}
    try:
        response = http.put(url, data=body, headers=headers, auth=NoToken(), allow_redirects=False)
    except FAILURES as error:
        raise ArtifactError(
            f"The store for artifacts could not be sent {part}: {failure_said(error)}", "Run the job again"
        ) from None  # the exception quotes the signed address
    if response.status_code not in (200, 201):
        # Only the code of the answer: its message may repeat the signature.
        code = _CODE.search(response.content[:4096])
        said = f" {code[1].decode()}" if code else ""
        raise ArtifactError(f"The store for artifacts refused {part} ({response.status_code}{said})", "Run the job again")
