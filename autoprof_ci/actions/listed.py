"""An artifact as a list shows it, whoever was asked for the list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """`digest`: ``sha256:`` and 64 hex digits, of the zip, where the server says one. `created_at` has its time zone."""

    name: str
    id: int
    size_bytes: int
    digest: str | None
    created_at: datetime
