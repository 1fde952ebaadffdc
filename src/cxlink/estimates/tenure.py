"""Rows of expected tenure and projected retention, and the diagnostics of the fits behind them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlink.estimates.table import interval, row
from cxlink.models.fitted import Fit, Unfitted, aic_weights
from cxlink.models.tenure import Drawn, Tenure

Row = dict[str, Any]


def tenure_rows(
    tenure: Tenure, unit: str, level: float, contrasts: Sequence[tuple[str, str]] = ()
) -> list[Row]:
    """All rows of one model, family or average.

    Parameters
    ----------
    tenure : Tenure
        What it says.
    unit : str
        Of the clock: ``month``.
    level : float
        Coverage of the intervals.
    contrasts : sequence of (group, reference)
        Names of reported groups; those that were not estimated have no row.

    Returns
    -------
    list of dict
        ``retention`` and ``tenure`` at each horizon, ``tenure_mean``, ``tenure_median``, and of the contrasts
        difference and ratio of the first two. ``extrapolated`` of a contrast is the larger one of its sides.
    """
    rows: list[Row] = []
    for g in range(len(tenure.groups)):
        rows += _group(tenure, g, unit, level)
    for group, reference in contrasts:
        if {group, reference} <= set(tenure.groups):
            pair = tenure.groups.index(group), tenure.groups.index(reference)
            rows += _contrast(tenure, pair, unit, level)
    return rows


def fit_diagnostics(fits: Sequence[Fit | Unfitted], group: str = "") -> list[Row]:
    """Rows of the diagnostics table for fits to one set of counts, and for their averages.

    Parameters
    ----------
    fits : sequence of Fit or Unfitted
        As `fit_all` gives them.
    group : str
        Goes into the group column, to tell an unadjusted fit from an adjusted one.

    Returns
    -------
    list of dict
        Columns ``model``, ``quantity``, ``group``, ``value``, ``ok``, ``note``. A family that was not fitted
        has one row, with its reason.
    """
    weights = aic_weights([fit for fit in fits if isinstance(fit, Fit)])
    shares = iter(weights)
    rows: list[Row] = []
    for fit in fits:
        if isinstance(fit, Unfitted):
            rows.append(_diagnostic((fit.family.name, group), "fit", f"Not fitted: {fit.reason}.", ok=False))
        else:
            rows += _fit_rows(fit, float(next(shares)), group)
    if not weights.any():
        none = "No family converged, so there is no average."
        return [*rows, _diagnostic(("averaged", group), "weights", none, ok=False)]
    notes = {
        "averaged_aic": "Akaike weights of the families that converged; those under 0.001 are left out.",
        "averaged": "The same rows as averaged_aic: the weights are Akaike's.",
    }
    return [
        *rows,
        *(_diagnostic((model, group), "weights", note) for model, note in notes.items()),
    ]


def _group(tenure: Tenure, g: int, unit: str, level: float) -> list[Row]:
    common = _common(tenure, g)
    rows = []
    for h, horizon in enumerate(tenure.horizons):
        at: Row = {**common, "horizon": horizon}
        rows += [
            row(
                "retention", *_one(tenure.retention, g, h), level, "probability",
                extrapolated=tenure.beyond_retention[g, h], **at,
            ),
            row(
                "tenure", *_one(tenure.restricted, g, h), level, unit,
                extrapolated=tenure.beyond_areas[g, h], **at,
            ),
        ]  # fmt: skip
    return [
        *rows,
        row(
            "tenure_mean",
            *_one(tenure.mean, g),
            level,
            unit,
            extrapolated=tenure.beyond_areas[g, -1],
            **common,
        ),
        row(
            "tenure_median",
            *_one(tenure.median, g),
            level,
            unit,
            extrapolated=tenure.beyond_median[g],
            **common,
        ),
    ]


def _contrast(tenure: Tenure, pair: tuple[int, int], unit: str, level: float) -> list[Row]:
    group, reference = pair
    rows = []
    for h, horizon in enumerate(tenure.horizons):
        for name, drawn, own_unit, beyond in (
            ("retention", tenure.retention, "probability", tenure.beyond_retention),
            ("tenure", tenure.restricted, unit, tenure.beyond_areas),
        ):
            columns: Row = {
                **_common(tenure, group), "reference": tenure.groups[reference], "horizon": horizon,
                "extrapolated": max(beyond[group, h], beyond[reference, h]),
            }  # fmt: skip
            (a, a_draws), (b, b_draws) = _one(drawn, group, h), _one(drawn, reference, h)
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                ratio, ratio_draws = np.divide(a, b), a_draws / b_draws
            rows += [
                row(f"{name}_difference", a - b, a_draws - b_draws, level, own_unit, **columns),
                row(f"{name}_ratio", float(ratio), ratio_draws, level, "ratio", **columns),
            ]
    return rows


def _one(drawn: Drawn, g: int, h: int | None = None) -> tuple[float, np.ndarray]:
    if h is None:
        return float(drawn.point[g]), drawn.draws[:, g]
    return float(drawn.point[g, h]), drawn.draws[:, g, h]


def _common(tenure: Tenure, g: int) -> Row:
    return {
        **tenure.labels, "model": tenure.model, "group": tenure.groups[g],
        "n": int(tenure.n[g]), "n_events": int(tenure.n_events[g]),
    }  # fmt: skip


def _fit_rows(fit: Fit, weight: float, group: str) -> list[Row]:
    where = (fit.family.name, group)
    aic = f"2·parameters − 2·log-likelihood; {fit.n_parameters} parameters"
    return [
        _diagnostic(where, "log_likelihood", "without penalties", fit.log_likelihood),
        _diagnostic(where, "aic", aic, fit.aic),
        _diagnostic(where, "weight", "Akaike weight in the average", weight),
        _diagnostic(where, "converged", "largest entry of the gradient", fit.gradient_norm, fit.converged),
        *(_diagnostic(where, "fit", note) for note in fit.notes),
    ]


def _diagnostic(
    where: tuple[str, str], quantity: str, note: str, value: float = np.nan, ok: bool | None = None
) -> Row:
    model, group = where
    return {"model": model, "quantity": quantity, "group": group, "value": value, "ok": ok, "note": note}


def curve_frames(tenure: Tenure, level: float) -> list[pd.DataFrame]:
    """Fitted survival by group, with its interval: for figures.

    Returns
    -------
    list of DataFrame
        ``model, adjusted, group, time, estimate, conf_low, conf_high``, one a group.
    """
    frames = []
    for g, group in enumerate(tenure.groups):
        ends = [
            interval(tenure.plot.draws[:, g, t].astype(float), level) for t in range(len(tenure.plot_times))
        ]
        frame = {
            "model": tenure.model, "adjusted": tenure.labels["adjusted"], "group": group, "time": tenure.plot_times,
            "estimate": tenure.plot.point[g].astype(float), "conf_low": [low for _, low, _ in ends],
            "conf_high": [high for _, _, high in ends],
        }  # fmt: skip
        frames.append(pd.DataFrame(frame))
    return frames
