"""Laws drawn at random, five classes of truths: each fixed before its first run, with a seed.

Every law has five score levels and three strata, months as periods, and follow-up spread evenly over the whole months
from a third of T to T, with T = 18, 24, 30 or 36, equally likely. Of the customers scored 12, 18, 25, 25 and 20 % give
the scores 1 to 5, and 30, 45 and 25 % are in the three strata; a higher score is likelier in a later stratum (odds
exp(.1) a level and stratum).

The baseline's log hazard is log c + log((1 − f)·t^−γ + f), with γ uniform over 0 to .6, f uniform over 0 to 1, and c
such that the middle level of the middle stratum keeps a share uniform over .4 to .85 for twelve months. Levels differ
by a straight line whose ends are a total of uniform .3 to 1.5 apart, the worst level highest, and by normal(0, .1)
each; strata by normal(0, .4), and each pair of level and stratum by normal(0, .1) more. What the classes add:

- ``renewal``: the hazard of every sixth or twelfth month (equally likely; the twelfth with T ≥ 24 alone, so that at
  least two fall inside follow-up) is multiplied by a number log-uniform over 2 to 8.
- ``piecewise``: one to three breaks (equally likely), at places log-uniform over T/10 to 5 T; from each on, the log
  hazard of all differs by normal(0, .5). Drawn again until one of them at least lies inside follow-up.
- ``fading``: the differences between levels shrink by half every h months, h log-uniform over T/3 to 3 T.
- ``deviating``: one to three levels (equally likely) leave the others: each, with equal chances, by normal(0, .2) on
  the log hazard for each doubling of time since the first month, or by normal(0, .5) from a month on that is
  log-uniform over T/10 to T.
- ``shape``: the differences between levels change by a straight line over the levels, whose ends come normal(0, .25)
  apart with each doubling of time since the first month: hazards that part, converge or cross.

Two more are shown and not judged, since nothing inside follow-up tells of them: ``break_beyond``, piecewise laws whose
breaks all lie beyond T; and ``one_spike``, a renewal every twelfth month with T = 18.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from validation.extrapolation.long_law import LongLaw

SEED = 20261129
LAWS, SHOWN_LAWS = 300, 60
"""Laws of each class that is judged, and of each that is shown."""
LONGEST_FOLLOW_UP = (18, 24, 30, 36)
FAR = 5
"""Truths are known to so many times T."""
LEVEL_SHARE = np.array([0.12, 0.18, 0.25, 0.25, 0.20])
STRATUM_SHARE = np.array([0.30, 0.45, 0.25])
STRATA = pd.DataFrame({"stratum.plan": ["basic", "premium", "standard"]})
_TILT = 0.1
_MIDDLE = (2, 1)
_YEAR = 12

Drawing = Callable[[int, np.random.Generator], tuple[np.ndarray, np.ndarray]]
"""What a class adds: of T, the factor of the levels' differences, (n_months,), and log hazards by level, (n_levels,
n_months)."""


def drawn_law(kind: str, rng: np.random.Generator) -> LongLaw:
    """Draw a law of a class.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    rng : Generator
        Advanced.
    """
    lengths, adds = KINDS[kind]
    last = int(rng.choice(lengths))
    effect, between = _differences(rng)
    baseline, kept = _baseline(FAR * last, rng), rng.uniform(0.4, 0.85)
    lasting, added = adds(last, rng)
    # levels by months, strata alone, and pairs
    log_hazard = (
        baseline + added[:, None] + (effect[:, None] * lasting)[:, None, :] + between[..., None]
    )  # fmt: skip
    middle = np.exp(log_hazard[_MIDDLE])
    log_hazard += np.log(-np.log(kept) / middle[:_YEAR].sum())
    total = np.cumsum(np.exp(log_hazard), axis=-1)
    log_survival = -np.concatenate([np.zeros((*total.shape[:2], 1)), total], axis=-1)
    return LongLaw(kind, _shares(), STRATA, log_survival, _evenly(last), (1,), (len(LEVEL_SHARE),))


def _shares() -> np.ndarray:
    """Joint shares of levels and strata, (5, 3); the levels' and strata's own are nearly those stated."""
    tilt = np.exp(_TILT * np.outer(np.arange(5) - 2, np.arange(3) - 1))
    joint: np.ndarray = LEVEL_SHARE[:, None] * STRATUM_SHARE * tilt
    shares: np.ndarray = joint / joint.sum()
    return shares


def _evenly(last: int) -> np.ndarray:
    """Follow-up of T/3 … T whole months, each as likely."""
    months = np.arange(1, last + 1)
    inside = months >= last // 3
    share: np.ndarray = inside / inside.sum()
    return share


def _differences(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Log hazard ratios of the levels, (5,), and of strata and pairs, (5, 3)."""
    line = rng.uniform(0.3, 1.5) * np.linspace(0.5, -0.5, 5)
    effect: np.ndarray = line + rng.normal(0, 0.1, 5)
    return effect, rng.normal(0, 0.4, 3) + rng.normal(0, 0.1, (5, 3))


def _baseline(months: int, rng: np.random.Generator) -> np.ndarray:
    """Log hazard of each month, (n_months,), but for its height."""
    fall, floor = rng.uniform(0, 0.6), rng.uniform()
    log_hazard: np.ndarray = np.log((1 - floor) * np.arange(1.0, months + 1) ** -fall + floor)
    return log_hazard


def _log_uniform(low: float, high: float, rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _spikes(last: int, rng: np.random.Generator, cycles: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    cycle = rng.choice([c for c in cycles if 2 * c <= last or len(cycles) == 1])
    month = np.arange(1, FAR * last + 1)
    spike = np.where(month % cycle == 0, np.log(_log_uniform(2, 8, rng)), 0.0)
    return np.ones(len(month)), np.tile(spike, (5, 1))


def _renewal(last: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return _spikes(last, rng, (6, 12))


def _one_spike(last: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return _spikes(last, rng, (12,))


def _breaks(last: int, rng: np.random.Generator, inside: bool) -> tuple[np.ndarray, np.ndarray]:
    month = np.arange(1, FAR * last + 1)
    while True:
        places = [_log_uniform(last / 10, FAR * last, rng) for _ in range(rng.integers(1, 4))]
        if (min(places) < last) == inside:
            break
    jumps = sum((rng.normal(0, 0.5) * (month > place) for place in places), np.zeros(len(month)))
    return np.ones(len(month)), np.tile(jumps, (5, 1))


def _piecewise(last: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return _breaks(last, rng, inside=True)


def _break_beyond(last: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return _breaks(last, rng, inside=False)


def _fading(last: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    month = np.arange(1, FAR * last + 1)
    half_life = _log_uniform(last / 3, 3 * last, rng)
    return 0.5 ** ((month - 1) / half_life), np.zeros((5, len(month)))


def _deviating(last: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    month = np.arange(1.0, FAR * last + 1)
    added = np.zeros((5, len(month)))
    for level in rng.choice(5, rng.integers(1, 4), replace=False):
        if rng.random() < 0.5:
            added[level] = rng.normal(0, 0.2) * np.log2(month)
        else:
            added[level] = rng.normal(0, 0.5) * (month > _log_uniform(last / 10, last, rng))
    return np.ones(len(month)), added


def _shape(last: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    month = np.arange(1.0, FAR * last + 1)
    line = rng.normal(0, 0.25) * np.linspace(-0.5, 0.5, 5)
    return np.ones(len(month)), line[:, None] * np.log2(month)


JUDGED = ("renewal", "piecewise", "fading", "deviating", "shape")
KINDS: dict[str, tuple[tuple[int, ...], Drawing]] = {
    "renewal": (LONGEST_FOLLOW_UP, _renewal),
    "piecewise": (LONGEST_FOLLOW_UP, _piecewise),
    "fading": (LONGEST_FOLLOW_UP, _fading),
    "deviating": (LONGEST_FOLLOW_UP, _deviating),
    "break_beyond": (LONGEST_FOLLOW_UP, _break_beyond),
    "one_spike": ((18,), _one_spike),
    "shape": (LONGEST_FOLLOW_UP, _shape),
}
"""By name: the lengths of follow-up, and what the class adds."""
