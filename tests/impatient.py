"""The step with less patience than a job has: for tests of a GitHub that fails. Nothing else of it is different."""

import os
import sys

from autoprof_ci.actions.patience import Patience
from autoprof_ci.commands.on_github import run

if __name__ == "__main__":
    patience = Patience(timeout_s=1, retries=2, rate_limit_s=3.0, backoff_s=0.05, in_all_s=6.0, between_writes_s=0.0)
    sys.exit(run.step(os.environ, sys.stdout, patience))
