"""EDGE: who we are in this run: what the runner said, what the user wants, and the clients to answer with.

Built once, from the environment, which afterwards holds no secret any more. Knows no order of things.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TextIO

from autoprof_ci.actions import api, context, inputs, step_files
from autoprof_ci.actions.api import Github, Repository
from autoprof_ci.actions.artifact_service import ArtifactService
from autoprof_ci.actions.context import Context, Event
from autoprof_ci.actions.inputs import DEFAULT_KEY, Inputs, Mode
from autoprof_ci.actions.log import Log
from autoprof_ci.actions.patience import Patience
from autoprof_ci.actions.transport import ArtifactError
from autoprof_ci.commands.on_github.clock import Clock, process_began_s
from autoprof_ci.errors import AutoprofError, ToolError, UsageError

FOLDER = "autoprof-report"
"""In the workspace: there later steps of the job find it, in a container or on the host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """`kind`: GATE or RECORD, whichever this event asks for: what the parts of a matrix and their merge do too.

    `repository`: ours, not asked for yet. `service`: artifacts of this run; ``None`` where the runtime has none for us."""

    context: Context
    inputs: Inputs
    mode: Mode
    kind: Mode
    log: Log
    client: Github
    repository: Repository
    service: ArtifactService | None
    clock: Clock = field(default_factory=Clock)

    @property
    def key(self) -> str:
        return self.inputs.key

    @property
    def out(self) -> Path:
        """The output folder."""
        return self.context.workspace / (FOLDER if self.key == DEFAULT_KEY else f"{FOLDER}-{self.key}")

    @property
    def commit(self) -> str:
        """Whose program this is: of a pull request its head, not the merge that GitHub made for this run."""
        return self.context.pull_request.head_sha if self.context.pull_request else self.context.sha

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """What fails in here is said as a warning, and the run goes on: it costs a reader comfort, not the verdict."""
        try:
            yield
        except BrokenPipeError:
            raise  # nobody reads the log any more
        except AutoprofError as error:
            self.log.warning(str(error))
        except OSError as error:
            self.log.warning(str(refused(error)))


def enter(env: MutableMapping[str, str], stream: TextIO, patience: Patience) -> Situation:
    """Take in the environment, and take the secrets out of it. Raises `UsageError` for what cannot work."""
    log = Log(stream)
    here, given = context.read(env), inputs.read(env)
    for secret in step_files.take_secrets(env):
        log.mask(secret)
    mode = inputs.resolve_mode(given, here)
    try:
        os.chdir(here.workspace)
    except OSError as error:
        raise UsageError(
            f"The workspace {here.workspace} cannot be entered: {error.strerror}", "Check the code out in a step before this one"
        ) from None
    if here.event is Event.PULL_REQUEST and here.pull_request is None:
        log.warning("The event names no pull request to comment on: the report is in the job summary only.")
    client = api.connect(here.api_url, given.github_token, patience)
    return Situation(
        context=here,
        inputs=given,
        mode=mode,
        kind=_kind(mode, given, here),
        log=log,
        client=client,
        repository=client.get_repo(here.repository),
        service=_service(here, log, patience),
        clock=Clock(began_s=process_began_s()),
    )


def refused(error: OSError) -> ToolError:
    """What the system did not do, in the words of a step."""
    where = f" at {error.filename}" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ToolError(
            f"The disk is full{where}", "Free some space on the runner, in the workspace and in its temporary folder"
        )
    return ToolError(f"The system refused{where}: {error.strerror or error}", "Correct that and run the job again")


def _service(here: Context, log: Log, patience: Patience) -> ArtifactService | None:
    if here.runtime is None:
        return None
    try:
        return ArtifactService(here.runtime, run_url=here.run_url, mask=log.mask, patience=patience)
    except ArtifactError as error:
        log.warning(str(error))
        return None


def _kind(mode: Mode, given: Inputs, here: Context) -> Mode:
    if mode in (Mode.PART, Mode.MERGE):
        mode = inputs.resolve_mode(replace(given, mode=Mode.AUTO), here)
    return Mode.RECORD if mode is Mode.RECORD else Mode.GATE
