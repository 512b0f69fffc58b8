"""The command ``action``: which mode this event asks for, and what becomes of a run that fails.

The composition root on GitHub: errors end here, as an annotation, a summary, a comment and an exit code.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import MutableMapping
from typing import TextIO

from autoprof_ci.actions.inputs import MEASURING, Mode
from autoprof_ci.actions.log import Log
from autoprof_ci.actions.patience import Patience
from autoprof_ci.commands.on_github import failing, folder, gating, merging, relaying, situation
from autoprof_ci.commands.on_github.clock import Stage
from autoprof_ci.commands.on_github.situation import Situation
from autoprof_ci.errors import AutoprofError, InterruptedByUserError

STORIES = {
    Mode.GATE: gating.run,
    Mode.RECORD: gating.run,
    Mode.PART: gating.run,
    Mode.MERGE: merging.run,
    Mode.COMMENT: relaying.run,
}


def action(_options: argparse.Namespace) -> int:
    """Do what the runner's environment says; returns the step's exit code."""
    return step(os.environ, sys.stdout, Patience())


def step(env: MutableMapping[str, str], stream: TextIO, patience: Patience) -> int:
    """The same with everything that it touches handed to it. `patience`: with GitHub."""
    try:
        here = situation.enter(env, stream, patience)
    except AutoprofError as error:
        Log(stream).error(str(error))
        failing.summarise(env, error)
        return error.exit_code
    try:
        return _story(here)
    except (InterruptedByUserError, KeyboardInterrupt):
        return failing.cancelled(here)
    finally:
        here.log.say(here.clock.line())


def _story(here: Situation) -> int:
    try:
        if here.mode is not Mode.COMMENT:
            folder.begin(here.out)
        if here.mode not in MEASURING:
            here.clock.to(Stage.FETCHING)
        return STORIES[here.mode](here)
    except (InterruptedByUserError, BrokenPipeError):
        raise  # nobody waits for words, or nobody hears them
    except AutoprofError as error:
        return failing.failed(here, error)
    except OSError as error:
        return failing.failed(here, situation.refused(error))
