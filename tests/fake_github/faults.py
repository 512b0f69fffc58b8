"""Answers that go wrong on purpose: which request, how often, before or after it was carried out. Knows no route."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from werkzeug.wrappers import Response

When = Literal["before", "after"]
Body = str | bytes | Mapping[str, object] | None
MESSAGES = {
    401: "Bad credentials",
    403: "Resource not accessible by integration",
    404: "Not Found",
    410: "Artifact has expired",
    422: "Validation Failed",
    500: "Server Error",
    502: "Server Error",
    503: "Service unavailable",
}


@dataclass(slots=True, kw_only=True)
class Fault:
    """`status` None keeps the true answer (late or truncated); `drop` closes the connection without any answer."""

    method: str
    path: re.Pattern[str]
    status: int | None
    body: Body
    headers: Mapping[str, str]
    times: int
    when: When
    hang_s: float
    truncate_bytes: int | None
    drop: bool

    def matches(self, method: str, path: str, query: str) -> bool:
        return self.method in {"*", method} and bool(self.path.search(path) or self.path.search(f"{path}?{query}"))

    def answer(self) -> Response:
        """The answer in place of the true one."""
        assert self.status is not None
        body = self.body
        if body is None:
            body = {"message": MESSAGES.get(self.status, "Error"), "documentation_url": "", "status": str(self.status)}
        kind = "application/json; charset=utf-8" if isinstance(body, Mapping) else "text/html; charset=utf-8"
        text = json.dumps(body) if isinstance(body, Mapping) else body
        return Response(text, status=self.status, headers={"Content-Type": kind, **self.headers})


@dataclass(slots=True)
class Faults:
    """The planned faults in the order they were planned; the first that matches is used up first."""

    planned: list[Fault] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def plan(self, fault: Fault) -> None:
        with self.lock:
            self.planned.append(fault)

    def take(self, method: str, path: str, query: str) -> Fault | None:
        with self.lock:
            for fault in self.planned:
                if fault.matches(method, path, query):
                    fault.times -= 1
                    if fault.times == 0:
                        self.planned.remove(fault)
                    return fault
        return None

    def left(self) -> int:
        """How many planned answers nobody has asked for yet."""
        with self.lock:
            return sum(fault.times for fault in self.planned)
