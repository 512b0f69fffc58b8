"""Numbers and opinion: the statistics of a comparison, and the verdict on it. The only layer with numeric libraries. Pure."""

from autoprof_ci.analysis.accepts import with_proposed
from autoprof_ci.analysis.calibrate import Calibration, Sensitivity, calibrate
from autoprof_ci.analysis.code import Codes
from autoprof_ci.analysis.compare import compare
from autoprof_ci.analysis.decide import DecideContext, decide
from autoprof_ci.analysis.doubts import Doubt, doubts
from autoprof_ci.analysis.renames import Aligned, align

__all__ = [
    "Aligned",
    "Calibration",
    "Codes",
    "DecideContext",
    "Doubt",
    "Sensitivity",
    "align",
    "calibrate",
    "compare",
    "decide",
    "doubts",
    "with_proposed",
]
