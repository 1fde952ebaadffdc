"""Posterior draws of retention become rows: retention, restricted means, remaining tenure, and their contrasts.

The point estimate of a row is the mean of its draws, of a ratio their median (a ratio may have no mean); intervals
are equal-tailed at the spec's level, as all are (`cxlink.estimands.tidy.intervals`). A walk has no law of the end of
all customers, so there is no mean without a horizon.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlink.bayes.draws.posterior_averages import PosteriorDraws
from cxlink.bayes.draws.sampling import Posterior
from cxlink.cohort.count.spells import Spells
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.support_checks import finding
from cxlink.estimands.tidy import held, interval, intervals, ready_row
from cxlink.groups.curves import Standard, areas
from cxlink.groups.group import contrasts_of, groups_of

Row = dict[str, Any]


def posterior_rows(
    drawn: Sequence[PosteriorDraws],
    posterior: Posterior,
    spells: Spells,
    spec: CohortSpec,
    scenario: str = "",
) -> list[Row]:
    """Rows of the estimates table, see the module.

    Parameters
    ----------
    drawn : sequence of PosteriorDraws
        From `retention_draws`.
    posterior : Posterior
        Names the model.
    spells : Spells
        The cohort that is reported.
    spec : CohortSpec
        Its horizons, contrasts and level.
    scenario : str
        What differs from the main analysis, such as ``new cohort``.
    """
    found = []
    for one in drawn:
        labels = {"model": posterior.name, "adjusted": one.averages.adjusted, "scenario": scenario}
        found += [*_retention(one, spells, spec, labels), *_remaining(one, spec, labels)]
    return found


def _retention(drawn: PosteriorDraws, spells: Spells, spec: CohortSpec, labels: Row) -> Iterator[Row]:
    """Retention and restricted means at the horizon and the ladder's steps, with their contrasts."""
    area = restricted_means(drawn.survival, drawn.times)
    groups = drawn.averages.standards
    position = {s.group: g for g, s in enumerate(groups)}
    pairs = [(a, b) for a, b in contrasts_of(groups_of(spells, spec), spec) if {a, b} <= set(position)]
    unseen = [s.group for s in groups if s.n == 0]
    pairs += [(name, "worst") for name in unseen if "worst" in position]
    for h in sorted({spec.horizon, *spec.tenure_horizons}):
        at = int(np.searchsorted(drawn.times, h))
        kept = (h > drawn.averages.last).astype(float)
        for estimand, unit, draws, beyond in (
            ("retention", "probability", drawn.survival[..., at], kept),
            ("tenure", spec.unit, area[..., at], _beyond(drawn, area, at)),
        ):
            said = {**labels, "horizon": h}
            for g in range(len(groups)):
                yield _row(
                    estimand, draws[:, g], unit, spec, {**said, **_of(groups[g]), "extrapolated": beyond[g]}
                )
            for a, b in pairs:
                i, j = position[a], position[b]
                more = {**said, **_of(groups[i]), "reference": b, "extrapolated": max(beyond[i], beyond[j])}
                yield from _contrast(estimand, unit, (draws[:, i], draws[:, j]), spec, more)


def _remaining(drawn: PosteriorDraws, spec: CohortSpec, labels: Row) -> Iterator[Row]:
    """Restricted mean of what is left for those who have stayed so long."""
    for k, survival in drawn.remaining.items():
        area = restricted_means(survival, drawn.times)
        for h in sorted({spec.horizon, *spec.tenure_horizons}):
            at = int(np.searchsorted(drawn.times, h))
            beyond = _beyond(drawn, area, at, later=k)
            for g, standard in enumerate(drawn.averages.standards):
                more = {**labels, **_of(standard), "horizon": h, "given": k, "extrapolated": beyond[g]}
                yield _row("remaining_tenure", area[:, g, at], spec.unit, spec, more)


def _of(standard: Standard) -> Row:
    return {"group": standard.group, "n": standard.n, "n_events": standard.n_events}


def _row(estimand: str, draws: np.ndarray, unit: str, spec: CohortSpec, columns: Row) -> Row:
    level = spec.analysis.level
    # what is nearly nothing may have a mean beyond the interval's end
    return held(ready_row(estimand, float(draws.mean()), interval(draws, level), level, unit, **columns))


def _contrast(
    estimand: str, unit: str, sides: tuple[np.ndarray, np.ndarray], spec: CohortSpec, columns: Row
) -> Iterator[Row]:
    a, b = sides
    level = spec.analysis.level
    yield _row(f"{estimand}_difference", a - b, unit, spec, columns)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = a / b
        point = float(np.nanmedian(ratio)) if not np.isnan(ratio).all() else np.nan
    yield ready_row(f"{estimand}_ratio", point, interval(ratio, level), level, "ratio", **columns)


def restricted_means(survival: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Restricted mean to each time, log-linear between them: of S and times from 0 on, (..., n_times) each."""
    pieces = areas(survival) * np.diff(times)
    return np.concatenate([np.zeros((*survival.shape[:-1], 1)), np.cumsum(pieces, axis=-1)], axis=-1)


def _beyond(drawn: PosteriorDraws, area: np.ndarray, at: int, later: int = 0) -> np.ndarray:
    """Share of each group's mean area to a time that lies beyond its last period with ten at risk."""
    mean = area.mean(axis=0)
    shares = np.zeros(len(mean))
    for g, last in enumerate(drawn.averages.last):
        inside = np.interp(min(max(last - later, 0), drawn.times[at]), drawn.times, mean[g])
        shares[g] = 1 - inside / mean[g, at] if mean[g, at] > 0 else 1.0
    return np.clip(np.where(drawn.averages.last - later >= drawn.times[at], 0.0, shares), 0.0, 1.0)


def curve_frames(drawn: Sequence[PosteriorDraws], posterior: Posterior, level: float) -> list[pd.DataFrame]:
    """Fitted survival by group with its interval, for figures: see `cxlink.estimands.tenure_rows.curve_frames`."""
    frames = []
    for one in drawn:
        ends = intervals(one.survival, level)
        for g, standard in enumerate(one.averages.standards):
            frames.append(pd.DataFrame({
                "model": posterior.name, "adjusted": one.averages.adjusted, "scenario": "",
                "group": standard.group, "time": one.times, "estimate": one.survival[:, g].mean(axis=0),
                "conf_low": ends[1, g], "conf_high": ends[2, g],
            }))  # fmt: skip
    return frames


def spread_findings(posterior: Posterior, level: float) -> Iterator[Row]:
    """How much levels, strata and cohorts differ, as the counts have it: what a sparse one borrows by."""
    for name in sorted(str(one) for one in posterior.tree["posterior"].data_vars):
        if not name.startswith("spread_"):
            continue
        draws = posterior.draws(name)
        _, low, high = interval(draws, level)
        note = (
            "standard deviation of effects on the model's link, posterior mean; the smaller, the more is borrowed; "
            f"{level:.0%} within {low:.3g} and {high:.3g}"
        )
        what = name.removeprefix("spread_").replace("_", " ")
        yield finding(posterior.name, "spread", what, float(draws.mean()), None, note)
