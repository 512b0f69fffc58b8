"""The command ``action``: which mode this event asks for, and what becomes of a run that fails.

The composition root on GitHub: errors end here, as an annotation, a summary, a comment and an exit code.
"""

from __future__ import annotations

import argparse
import os
import sys

from autoprof_ci.actions.inputs import Mode
from autoprof_ci.actions.log import Log
from autoprof_ci.commands.on_github import failing, gating, merging, relaying, situation
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
    try:
        here = situation.enter(os.environ, sys.stdout)
    except AutoprofError as error:
        Log(sys.stdout).error(str(error))
        return error.exit_code
    try:
        return STORIES[here.mode](here)
    except InterruptedByUserError as error:
        here.log.warning(str(error))
        failing.keep_interrupted(here)
        return error.exit_code
    except AutoprofError as error:
        here.log.error(str(error))
        failing.leave(here, error)
        return error.exit_code
    finally:
        here.log.say(here.clock.line())
