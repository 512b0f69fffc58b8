"""The artifact service's messages as protobuf's JSON wants them: every field known, of its type, in either spelling. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

IDS = {"workflow_run_backend_id": "string", "workflow_job_run_backend_id": "string"}
FIELDS: Mapping[str, Mapping[str, str]] = {
    "CreateArtifact": IDS | {"name": "string", "expires_at": "timestamp", "version": "int32", "mime_type": "string?"},
    "FinalizeArtifact": IDS | {"name": "string", "size": "int64", "hash": "string?"},
    "ListArtifacts": IDS | {"name_filter": "string?", "id_filter": "int64?"},
    "GetSignedArtifactURL": IDS | {"name": "string"},
    "DeleteArtifact": IDS | {"name": "string"},
}
"""Method -> field -> type; "?" is a wrapper (StringValue, Int64Value), which may be null or absent."""

FORBIDDEN_IN_NAMES = re.compile(r'["":<>|*?\r\n\\/]')


class MalformedError(ValueError):
    """The request is no such message."""


@dataclass(frozen=True, slots=True)
class Message:
    """What was asked; an absent plain field has protobuf's default, an absent wrapper is None."""

    values: Mapping[str, Any]

    def __getitem__(self, field: str) -> Any:
        return self.values[field]


def decode(method: str, body: bytes, known_fields: Mapping[str, Mapping[str, str]] = FIELDS) -> Message:
    """Raises `MalformedError` on anything that protobuf's JSON parser refuses."""
    try:
        raw = json.loads(body)
    except ValueError:
        raise MalformedError("not JSON") from None
    if not isinstance(raw, dict):
        raise MalformedError("not an object")
    fields = known_fields[method]
    spelled = {camel(name): name for name in fields} | {name: name for name in fields}
    values: dict[str, Any] = {
        name: None if kind.endswith("?") else "" if kind == "string" else 0 for name, kind in fields.items()
    }
    given = set()
    for key, value in raw.items():
        name = spelled.get(key)
        if name is None:
            raise MalformedError(f"unknown field {key!r}")
        if name in given:
            raise MalformedError(f"duplicate field {key!r}")
        given.add(name)
        if value is not None:
            values[name] = _value(fields[name].rstrip("?"), value)
    return Message(values)


def _value(kind: str, value: object) -> object:
    if kind in {"int64", "int32"}:
        if isinstance(value, bool) or not isinstance(value, int | str) or not re.fullmatch(r"-?\d{1,19}", str(value)):
            raise MalformedError(f"{value!r} is no {kind}")
        return int(value)
    if not isinstance(value, str):
        raise MalformedError(f"{value!r} is no {kind}")
    if kind == "timestamp":
        try:
            return datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            raise MalformedError(f"{value!r} is no RFC 3339 timestamp") from None
    return value


def camel(name: str) -> str:
    """protobuf's JSON spelling of a field."""
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)
