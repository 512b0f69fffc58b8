"""The fixed workloads for autopilot: what to run (`SHIPPED_CONFIG`) and on which input files (`ensure_data`).

The same configuration runs on the sample program and on the real autopilot.
"""

from importlib.resources import files

from autoprof_ci.workloads.cache import default_cache
from autoprof_ci.workloads.dataset import DataSet, ensure_data

SHIPPED_CONFIG: str = files(__name__).joinpath("autopilot.toml").read_text(encoding="utf-8")

__all__ = ["SHIPPED_CONFIG", "DataSet", "default_cache", "ensure_data"]
