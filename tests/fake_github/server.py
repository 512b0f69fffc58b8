"""The two listeners and the handle a test holds. The routes are in ``rest_*``, ``graphql``, ``twirp`` and ``blob``."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from flask import Flask
from werkzeug.routing import Rule
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from tests.fake_github import blob, control, graphql, rest_actions, rest_commits, rest_git, rest_issues, rest_pulls, twirp
from tests.fake_github.access import admit, limits
from tests.fake_github.answers import RefusalError, refusal
from tests.fake_github.dump import dump
from tests.fake_github.faults import Body, Fault, When
from tests.fake_github.repository import Repository
from tests.fake_github.state import Dialect, Request, Runtime, State, Token
from tests.fake_github.twirp import new_runtime
from tests.fake_github.wire import Wire

API_HOST = "127.0.0.1"
BLOB_HOST = "127.0.0.2"
"""Also the loopback device, and another host to every client."""

DEFAULT_PERMISSIONS = {"contents": "read", "actions": "read", "pull-requests": "write", "statuses": "write"}


class _Quiet(WSGIRequestHandler):
    """Says nothing of requests that went well, and sends small answers at once."""

    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        del code, size


class _Rule(Rule):
    """A route that nobody asks for its address: compiling what would build it is most of a server's start."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        del append_unknown
        return lambda *_: ("", "")


class FakeGithub:
    """A context manager. `port` 0 takes a free one; `state_folder` is kept up to date with everything, see `dump`."""

    def __init__(self, *, dialect: Dialect = "github", port: int = 0, state_folder: Path | None = None) -> None:
        self.state = State(dialect=dialect)
        self._port = port
        self._servers: list[BaseWSGIServer] = []
        if state_folder is not None:
            self.state.on_change.append(lambda: dump(self.state, state_folder))

    def __enter__(self) -> FakeGithub:
        blobs = self._listen(Wire(blob.application(self.state), self.state, "blob"), BLOB_HOST, 0)
        self.state.blob_url = f"http://{BLOB_HOST}:{blobs.server_port}"
        api = self._listen(Wire(_by_id(self._application(), self.state), self.state, "api"), API_HOST, self._port)
        self.state.api_url = f"http://{API_HOST}:{api.server_port}"
        self.state.changed()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.state.closing.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def _listen(self, application: Any, host: str, port: int) -> BaseWSGIServer:
        server = make_server(host, port, application, threaded=True, request_handler=_Quiet)
        threading.Thread(target=lambda: server.serve_forever(poll_interval=0.005), daemon=True).start()
        self._servers.append(server)
        return server

    def _application(self) -> Flask:
        app = Flask("fake_github", static_folder=None)
        app.url_rule_class = _Rule
        app.config["PROPAGATE_EXCEPTIONS"] = True
        app.register_error_handler(RefusalError, lambda error: error.response)
        app.register_error_handler(404, lambda _: refusal(404, "Not Found").response)
        app.register_error_handler(405, lambda _: refusal(404, "Not Found").response)
        for routes in (rest_issues, rest_pulls, rest_actions, rest_commits, rest_git, graphql):
            blueprint = routes.routes(self.state)
            blueprint.before_request(lambda: admit(self.state))
            blueprint.after_request(_with_limits)
            app.register_blueprint(blueprint)
        app.register_blueprint(twirp.routes(self.state))
        app.register_blueprint(control.routes(self))
        return app

    @property
    def url(self) -> str:
        """The base of the REST API, and of pages and raw files too."""
        return self.state.api_url

    @property
    def log(self) -> list[Request]:
        """Every request so far, in order of arrival; those that arrange the fake itself are left out."""
        with self.state.lock:
            return self.state.asked()

    @property
    def faults_left(self) -> int:
        """How many planned faults nobody has run into yet."""
        return self.state.faults.left()

    def repository(
        self, full_name: str = "octo/app", *, id: int = 1001, default_branch: str = "main", private: bool = False
    ) -> Repository:
        """An empty repository; asked for again, the one there is."""
        with self.state.lock:
            key = full_name.lower()
            if key not in self.state.repositories:
                self.state.repositories[key] = Repository(
                    state=self.state, full_name=full_name, id=id, default_branch=default_branch, private=private
                )
            return self.state.repositories[key]

    def token(
        self,
        *,
        login: str = "github-actions[bot]",
        permissions: Mapping[str, str] = DEFAULT_PERMISSIONS,
        repositories: tuple[str, ...] | None = None,
    ) -> str:
        """A token with exactly these permissions, for all repositories or for those named."""
        with self.state.lock:
            value = f"ghs_{secrets.token_hex(18)}"
            held = {name.replace("_", "-"): level for name, level in permissions.items()}
            scope = None if repositories is None else frozenset(repositories)
            self.state.tokens[value] = Token(value=value, login=login, permissions=held, repositories=scope)
            return value

    def revoke(self, token: str) -> None:
        """From now on the token is answered with 401."""
        with self.state.lock:
            del self.state.tokens[token]

    def exhaust(self, token: str, *, reset_in_s: float) -> None:
        """The primary rate limit of a token is used up until then."""
        with self.state.lock:
            self.state.tokens[token].remaining = 0
            self.state.tokens[token].reset_at_s = time.time() + reset_in_s

    def runtime(self, repository: Repository, run_id: int, *, job_id: str = "job-1") -> Runtime:
        """The artifact service's address and token for one job of a run (made by `Repository.run`)."""
        with self.state.lock:
            return new_runtime(repository, run_id, job_id)

    def fail(
        self,
        method: str,
        path_regex: str,
        *,
        status: int | None = None,
        body: Body = None,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
        when: When = "before",
        hang_s: float = 0.0,
        truncate_bytes: int | None = None,
        drop: bool = False,
    ) -> None:
        """Plans a fault for the next `times` requests that match, on either listener.

        The path is tried without and with its query; `method` "*" is any. "before": the request is not carried out if a status or
        `drop` is given; "after": it is, and its answer is lost. `hang_s` waits first; without a status the request is carried out
        after it. `truncate_bytes` promises the whole answer and sends that much. `drop` ends the connection without an answer.
        """
        assert times > 0, "a fault happens at least once"
        self.state.faults.plan(
            Fault(
                method=method,
                path=re.compile(path_regex),
                status=status,
                body=body,
                headers=headers or {},
                times=times,
                when=when,
                hang_s=hang_s,
                truncate_bytes=truncate_bytes,
                drop=drop,
            )
        )

    def limit(self, method: str, path_regex: str, *, status: int = 403, retry_after_s: int = 1, times: int = 1) -> None:
        """The secondary rate limit, as 403 or 429 with Retry-After."""
        message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
        body = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
        self.fail(method, path_regex, status=status, body=body, headers={"Retry-After": str(retry_after_s)}, times=times)


def _with_limits(response: Any) -> Any:
    response.headers.extend(limits())
    response.headers["X-GitHub-Request-Id"] = secrets.token_hex(8)
    return response


def _by_id(inner: Flask, state: State) -> Any:
    """GitHub's Link headers say ``/repositories/ID/...``: the same as ``/repos/OWNER/NAME/...``."""

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        found = re.fullmatch(r"/repositories/(\d+)(/.*)?", environ["PATH_INFO"])
        if found:
            names = {repository.id: repository.full_name for repository in state.repositories.values()}
            environ["PATH_INFO"] = f"/repos/{names.get(int(found[1]), 'no/such')}{found[2] or ''}"
        return inner(environ, start_response)

    return application
