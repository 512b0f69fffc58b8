"""Which difference of two shares is worth a colour or a word, and which the drawing of samples explains. Pure."""

from __future__ import annotations

from math import sqrt

_ERRORS = 3.0


def by_chance(baseline: float, candidate: float, baseline_samples: float, candidate_samples: float) -> float:
    """The largest difference of two shares that sampling the same program twice explains: three standard errors of a difference
    of two binomial shares, pooled. 0 where a side has no samples. Samples that come in bursts differ more than that."""
    total = baseline_samples + candidate_samples
    if baseline_samples <= 0 or candidate_samples <= 0:
        return 0.0
    share = min(1.0, (baseline * baseline_samples + candidate * candidate_samples) / total)
    return _ERRORS * sqrt(share * (1 - share) * (1 / baseline_samples + 1 / candidate_samples))
