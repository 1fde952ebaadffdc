"""Makes ``data/published/extrapolation_errors.csv``: ``python -m validation.extrapolation.error_table``.

Each published curve that was followed to its end is taken for a cohort of 100,000 customers, cut off at several
origins, and projected as it is shipped, without any extrapolation error. A row is the log of the hazard that came over
the hazard that was projected, within an eighth of the origin around 1.25, 1.5, 2, 2.5 and 3 times it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from cxlink.survival.tails.extrapolation_error import Errors
from cxlink.survival.tails.published_errors import FEWEST_PERIODS, TABLE
from cxlink.survival.tails.spliced_tenure import spliced
from validation.extrapolation.followed_curves import (
    PERSISTENCE,
    FollowedCurve,
    followed_curves,
    law_of,
    observed_to,
)
from validation.extrapolation.long_law import request_of, spec_of

RATIOS = (1.25, 1.5, 2.0, 2.5, 3.0)
REACH = 1 / 8
"""Half of what is compared around each, over the origin."""
ORIGINS = (1 / 4, 1 / 3, 2 / 5, 1 / 2, 3 / 5, 2 / 3)
"""Of a curve's length, to whole periods."""
FEW = range(2, FEWEST_PERIODS)
"""Periods that are hardly enough: projections from them have constants of their own."""
CUSTOMERS, DRAWS, SEED = 100_000, 200, 20261129
FOLDER = Path(__file__).resolve().parents[2] / "data" / "published"
_NO_ERROR = Errors(0.0, 0.0, 0.0)


def origins_of(curve: FollowedCurve) -> tuple[int, ...]:
    """Periods at which a curve is cut off: the `FEW`, then at least `FEWEST_PERIODS`, such that something follows."""
    first = RATIOS[0] + REACH
    whole = sorted({round(share * curve.last) for share in ORIGINS})
    return tuple(t for t in (*FEW, *(t for t in whole if t >= FEWEST_PERIODS)) if t * first <= curve.last)


def log_ratios(
    actual: np.ndarray, projected: np.ndarray, origin: int
) -> Iterator[Mapping[str, float | np.ndarray]]:
    """Compare the hazards that came with those projected.

    Parameters
    ----------
    actual : ndarray of shape (n_periods + 1,)
        S(t) at t = 0, 1, …
    projected : ndarray of shape (..., n_periods + 1)
        The same of a projection, or of draws of it.
    origin : int
        Last period that was known.

    Yields
    ------
    mapping
        ``ratio, begin, end`` (in periods) and ``log_ratio``, of shape (...); hazards are even within periods.
    """
    times = np.arange(len(actual))
    for ratio in RATIOS:
        begin, end = (ratio - REACH) * origin, (ratio + REACH) * origin
        if end <= times[-1]:
            came = _between(-np.log(actual), begin, end)
            predicted = _between(-np.log(projected), begin, end)
            yield {"ratio": ratio, "begin": begin, "end": end, "log_ratio": np.log(came / predicted)}


def _between(cumulative: np.ndarray, begin: float, end: float) -> np.ndarray:
    """Cumulative hazard between two times, of shape (...)."""
    ends = []
    for time in (begin, end):
        whole = min(int(time), cumulative.shape[-1] - 2)
        step = cumulative[..., whole + 1] - cumulative[..., whole]
        ends.append(cumulative[..., whole] + (time - whole) * step)
    difference: np.ndarray = ends[1] - ends[0]
    return difference


def errors_of(curve: FollowedCurve, origin: int) -> Iterator[dict[str, object]]:
    """Rows of one curve and origin."""
    exits = np.diff(np.r_[0, np.round(CUSTOMERS * (1 - curve.survival[1:])), CUSTOMERS]).astype(np.int64)
    spells = observed_to(exits, origin)
    spec = spec_of(law_of(curve, origin), (curve.last,), DRAWS)
    every = np.arange(curve.last + 1)
    asked = replace(request_of(spells, spec), times=every, horizons=(curve.last,))
    (made,) = spliced(
        spells, [asked], DRAWS, np.random.default_rng(SEED), horizon=spec.horizon, errors=_NO_ERROR
    )
    g = made.groups.index("1")
    at = np.isin(made.times, every)
    drawn = log_ratios(curve.survival, made.draws[:, g][:, at], origin)
    for one, of_draws in zip(log_ratios(curve.survival, made.point[g][at], origin), drawn, strict=True):
        lost = CUSTOMERS * np.diff(np.interp([one["begin"], one["end"]], every, 1 - curve.survival))[0]
        sampled = np.sqrt(np.var(of_draws["log_ratio"], ddof=1) + 1 / lost)
        yield {
            "source": curve.source, "curve": curve.name, "followed": origin, "ratio": one["ratio"],
            "begin": one["begin"], "end": one["end"], "log_ratio": round(float(one["log_ratio"]), 4),
            "sampling_error": round(float(sampled), 4), "status": "computed",
        }  # fmt: skip


def error_table() -> pd.DataFrame:
    """Every row of the table."""
    curves = followed_curves().values()
    return pd.DataFrame([row for c in curves for origin in origins_of(c) for row in errors_of(c, origin)])


def write(folder: Path = FOLDER) -> None:
    """Write the table.

    Raises
    ------
    SystemExit
        If the curves of drug persistence are not there.
    """
    if not PERSISTENCE.is_file():
        raise SystemExit(
            f"cxlink: {PERSISTENCE} is not there; without it the table would lose five of six sources."
        )
    error_table().to_csv(folder / f"{TABLE}.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    write()
