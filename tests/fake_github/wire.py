"""Between the socket and the routes: reads bodies, carries out planned faults, keeps the log, lets one request in at a time."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any, Literal

from werkzeug.datastructures import Headers
from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Request as HttpRequest
from werkzeug.wrappers import Response

from tests.fake_github.faults import Fault
from tests.fake_github.state import Request, State

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WsgiApp = Callable[[Environ, StartResponse], Iterable[bytes]]


class DroppedError(ConnectionAbortedError):
    """The connection ends without an answer."""


@dataclass(frozen=True, slots=True)
class Wire:
    """A WSGI application around the one with the routes."""

    inner: WsgiApp
    state: State
    listener: Literal["api", "blob"]

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        request = HttpRequest(environ)
        position = self._log(request)
        fault = self.state.faults.take(request.method, request.path, request.query_string.decode("latin-1"))
        try:
            return self._answer(environ, start_response, position, fault)
        except (DroppedError, ClientDisconnected):
            _hang_up(environ)
            raise DroppedError from None

    def _answer(self, environ: Environ, start_response: StartResponse, position: int, fault: Fault | None) -> Iterable[bytes]:
        if fault is not None and fault.when == "before":
            self._hang(fault)
            if fault.drop:
                raise DroppedError
        self._read_body(environ, position)
        if fault is not None and fault.when == "before" and fault.status is not None:
            response = fault.answer()
        else:
            with self.state.lock:
                response = Response.from_app(self.inner, environ, buffered=True)
                if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
                    self.state.changed()
        if fault is not None and fault.when == "after":
            self._hang(fault)
            if fault.drop:
                raise DroppedError
            response = response if fault.status is None else fault.answer()
        with self.state.lock:
            self.state.log[position] = replace(self.state.log[position], status=response.status_code)
            self.state.changed()
        if fault is not None and fault.truncate_bytes is not None:
            return _cut_short(response, fault.truncate_bytes, start_response)
        return response(environ, start_response)

    def _hang(self, fault: Fault) -> None:
        if fault.hang_s and self.state.closing.wait(fault.hang_s):
            raise DroppedError

    def _log(self, request: HttpRequest) -> int:
        token = self.state.tokens.get(token_in(request.headers))
        entry = Request(
            method=request.method,
            path=request.path,
            query=dict(request.args),
            headers=dict(request.headers),
            body=b"",
            status=0,
            permissions=None if token is None else token.permissions,
            listener=self.listener,
        )
        with self.state.lock:
            self.state.log.append(entry)
            return len(self.state.log) - 1

    def _read_body(self, environ: Environ, position: int) -> None:
        body = HttpRequest(environ).get_data()
        environ["autoprof.chunked"] = environ.pop("HTTP_TRANSFER_ENCODING", "").lower() == "chunked"
        environ["wsgi.input"] = BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        with self.state.lock:
            self.state.log[position] = replace(self.state.log[position], body=body)


def token_in(headers: Headers) -> str:
    """The value behind `token` or `Bearer`."""
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    return value.strip() if scheme.lower() in {"token", "bearer"} else ""


def _cut_short(response: Response, length: int, start_response: StartResponse) -> Iterable[bytes]:
    data = response.get_data()
    response.headers["Content-Length"] = str(len(data))
    start_response(response.status, list(response.headers))
    return [data[:length]]


def _hang_up(environ: Environ) -> None:
    connection = environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        connection.shutdown(socket.SHUT_RDWR)
