"""Runs of two identical programs on machines that misbehave in known ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from autoprof_ci.model import Function
from bench.statistics_rules import Sample

Floats = NDArray[np.float64]
Noise = Callable[[np.random.Generator, tuple[int, int]], Floats]
"""Logarithmic disturbance of (functions, runs), runs in the order they were made."""

SPEED = 0.03
EXTRA = 0.03
"""Standard deviations: of a run's speed, common to all functions; of a function in a run, beside counting."""


def calm(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    return rng.normal(0, EXTRA, shape)


def heavy_tails(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Student's t with three degrees of freedom, and one cell in thirty hit by a neighbour (+30 % on average)."""
    hit = (rng.random(shape) < 1 / 30) * rng.exponential(0.3, shape)
    return np.asarray(rng.standard_t(3, shape) * EXTRA + hit)


def uneven(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Functions that differ fivefold in how noisy they are, which no trend knows."""
    return np.asarray(rng.normal(0, EXTRA, shape) * np.exp(rng.normal(0, 0.8, (shape[0], 1))))


def drift(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """The machine gets half as slow again while it measures, and functions take it differently."""
    way = np.linspace(0, 1, shape[1])
    return np.asarray(0.4 * way + way * rng.normal(0, 0.05, (shape[0], 1)) + rng.normal(0, EXTRA, shape))


def neighbour(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """In two runs that follow each other every function is slowed down, each by another amount (+15 % on average)."""
    noise = rng.normal(0, EXTRA, shape)
    first = rng.integers(0, shape[1] - 1)
    noise[:, first : first + 2] += rng.exponential(0.15, (shape[0], 1))
    return noise


NOISES: Mapping[str, Noise] = {
    "calm": calm,
    "heavy tails and outliers": heavy_tails,
    "unevenly noisy functions": uneven,
    "drifting machine": drift,
    "a neighbour for two runs": neighbour,
}


def sample(rng: np.random.Generator, noise: Noise, functions: int, runs: int) -> Sample:
    """One report of two identical programs, `runs` a side, measured base-head-head-base; 20,000 samples a run."""
    weights = 1 / np.arange(1, functions + 1) ** 0.8
    order = np.array([0, 1, 1, 0] * (runs // 2 + 1))[: 2 * runs].astype(bool)
    if order.sum() != runs:
        order = np.arange(2 * runs) % 2 == 1
    speed = rng.normal(0, SPEED, 2 * runs) + noise(rng, (functions, 2 * runs))
    counts = rng.poisson(20_000 * (weights / weights.sum())[:, None] * np.exp(speed)).astype(float)
    return Sample(
        functions=tuple(Function(f"function_{i}") for i in range(functions)),
        baseline=counts[:, ~order],
        candidate=counts[:, order],
        session="simulated",
        threshold=0.02,
    )
