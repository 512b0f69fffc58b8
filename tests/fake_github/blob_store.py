"""The blob store's memory and its signed addresses: blocks, block lists, whole blobs, in the manner of Azure. Knows no HTTP."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

WRITE_FOR_S = 3600.0
READ_FOR_S = 60.0
"""GitHub's signed download address is good for one minute."""


@dataclass(slots=True)
class Blob:
    """`data` is None until something was committed; blocks put but not listed are invisible."""

    data: bytes | None = None
    uncommitted: dict[str, bytes] = field(default_factory=dict)
    committed: dict[str, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class BlobStore:
    blobs: dict[str, Blob] = field(default_factory=dict)
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def signature(self, key: str, rights: str, expiry: str) -> str:
        """The signature as base64, padding and all: whoever edits the query has to keep it intact."""
        return base64.b64encode(hmac.digest(self.secret, f"{key}\n{rights}\n{expiry}".encode(), hashlib.sha256)).decode()

    def signed_query(self, key: str, rights: str, good_for_s: float) -> str:
        expiry = f"{time.time() + good_for_s:.3f}"
        return urlencode({"sv": "2025-11-05", "sp": rights, "se": expiry, "sig": self.signature(key, rights, expiry)})

    def may(self, key: str, right: str, query: Mapping[str, str]) -> bool:
        rights, expiry = query.get("sp", ""), query.get("se", "")
        if not hmac.compare_digest(self.signature(key, rights, expiry).encode(), query.get("sig", "").encode()):
            return False
        return right in rights and time.time() <= float(expiry)

    def read(self, key: str) -> bytes | None:
        blob = self.blobs.get(key)
        return None if blob is None else blob.data

    def write(self, key: str, data: bytes) -> None:
        """The whole blob at once; blocks waiting for a list are thrown away."""
        self.blobs[key] = Blob(data=data)

    def put_block(self, key: str, block_id: str, data: bytes) -> bool:
        """False if its id is not as long as those before it."""
        blob = self.blobs.setdefault(key, Blob())
        if any(len(known) != len(block_id) for known in (*blob.uncommitted, *blob.committed)):
            return False
        blob.uncommitted[block_id] = data
        return True

    def commit(self, key: str, ids: list[tuple[str, str]]) -> bool:
        """`ids` are (Latest | Committed | Uncommitted, id) in the blob's order; False if one is unknown."""
        blob = self.blobs.setdefault(key, Blob())
        sources = {
            "Latest": blob.committed | blob.uncommitted,
            "Committed": blob.committed,
            "Uncommitted": blob.uncommitted,
        }
        if any(block_id not in sources[source] for source, block_id in ids):
            return False
        chosen = [(block_id, sources[source][block_id]) for source, block_id in ids]
        blob.committed = dict(chosen)
        blob.uncommitted = {}
        blob.data = b"".join(data for _, data in chosen)
        return True

    def append(self, key: str, data: bytes) -> None:
        """What act's server does with a block: to the end of the file, in order of arrival."""
        blob = self.blobs.setdefault(key, Blob())
        blob.data = (blob.data or b"") + data
