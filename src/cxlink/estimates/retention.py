"""Curves with draws become rows: retention, contrasts, restricted means, incidence, lags."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from cxlink.cohort.spec import CohortSpec
from cxlink.estimates.table import row
from cxlink.models.curves import Curves
from cxlink.models.requests import reported_periods

Row = dict[str, Any]
CONTRASTS = {"difference": np.subtract, "ratio": np.divide}


def retention_rows(curves: Curves, spec: CohortSpec, headline_tenure: int | None = None) -> list[Row]:
    """All rows that a set of Kaplan–Meier curves gives.

    Parameters
    ----------
    curves : Curves
        With draws.
    spec : CohortSpec
        Its horizon, contrasts, lags and level.
    headline_tenure : int, optional
        The step of the ladder that page one stands on; None where these curves are not the headline.
    """
    heads = set(spec.contrast(spec.analysis.contrasts[0])) if headline_tenure is not None else set()
    rows = [*_survival(curves, spec, heads), *_tenure(curves, spec, heads, headline_tenure), *_incidence(curves, spec)]
    if not curves.labels["scenario"] and not curves.labels["stratum"]:
        rows += _lagged(curves, spec)
    return rows


def headline_horizon(curves: Curves, spec: CohortSpec) -> int:
    """Last step of the ladder inside follow-up of every group of the headline; the horizon where none is."""
    sides = [side for text in spec.analysis.contrasts[:1] for side in spec.contrast(text)]
    inside = [
        h
        for k, h in enumerate(curves.horizons)
        if h in spec.tenure_horizons
        and all(curves.last[g] >= h for g in curves.own if curves.groups[g] in sides)
        and any(curves.groups[g] in sides for g in curves.own)
        and not np.isnan(curves.tenure[:, k]).all()
    ]
    return max(inside, default=spec.horizon)


def _survival(curves: Curves, spec: CohortSpec, heads: set[str]) -> Iterator[Row]:
    at = {int(t): k for k, t in enumerate(curves.times)}
    ladder = {spec.horizon, *spec.tenure_horizons}
    for g in curves.own:
        periods = set(reported_periods(int(curves.last[g]), spec.horizon)) | ladder
        for t in sorted(periods & set(at)):
            if not np.isnan(curves.point[g, at[t]]):
                head = curves.groups[g] in heads and t == spec.horizon
                yield _row(curves, spec, "retention", g, t, curves.point[g, at[t]], curves.draws[:, g, at[t]], head)
    for t in sorted(ladder & set(at)):
        k = at[t]
        yield from _contrasts(
            curves, spec, "retention", t, curves.point[:, k], curves.draws[..., k], heads and t == spec.horizon
        )


def _tenure(curves: Curves, spec: CohortSpec, heads: set[str], headline: int | None) -> Iterator[Row]:
    for k, h in enumerate(curves.horizons):
        head = bool(heads) and h == headline
        for g in curves.own:
            if not np.isnan(curves.tenure[g, k]):
                shown = _row(
                    curves, spec, "tenure", g, h, curves.tenure[g, k], curves.tenure_draws[:, g, k],
                    head and curves.groups[g] in heads,
                )  # fmt: skip
                yield {**shown, "unit": spec.unit, "extrapolated": curves.beyond_ten[g, k]}
        yield from _contrasts(curves, spec, "tenure", h, curves.tenure[:, k], curves.tenure_draws[..., k], head)


def _contrasts(
    curves: Curves, spec: CohortSpec, what: str, horizon: int, point: np.ndarray, draws: np.ndarray, head: Any
) -> Iterator[Row]:
    first = spec.contrast(spec.analysis.contrasts[0])
    for a, b in curves.contrasts:
        if np.isnan(point[[a, b]]).any():
            continue
        mine = (curves.groups[a], curves.groups[b]) == first
        for kind, contrast in CONTRASTS.items():
            value, drawn = contrasted(contrast, point, draws, a, b)
            if np.isnan(value):
                continue
            unit = "ratio" if kind == "ratio" else ("probability" if what == "retention" else spec.unit)
            shown = _row(curves, spec, f"{what}_{kind}", a, horizon, value, drawn, bool(head) and mine)
            sparse = bool(curves.sparse[a] | curves.sparse[b])
            yield {**(held(shown) if sparse else shown), "reference": curves.groups[b], "unit": unit}


def contrasted(
    contrast: np.ufunc, point: np.ndarray, draws: np.ndarray, a: int, b: int
) -> tuple[float, np.ndarray]:
    """Contrast of two groups: the value, and its draws; a ratio to 0 is infinite, 0 to 0 undefined."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return float(contrast(point[a], point[b])), contrast(draws[..., a], draws[..., b])


def _incidence(curves: Curves, spec: CohortSpec) -> Iterator[Row]:
    for c, cause in enumerate(curves.causes):
        for g in curves.own:
            value = curves.incidence[g, c]
            if not np.isnan(value):
                drawn = curves.incidence_draws[:, g, c]
                yield {**_row(curves, spec, "cumulative_incidence", g, spec.horizon, value, drawn), "cause": cause}


def _lagged(curves: Curves, spec: CohortSpec) -> Iterator[Row]:
    """Retention from some periods after the score on, S(h) / S(lag): what leaving right away does to the contrast."""
    at = {int(t): k for k, t in enumerate(curves.times)}
    for lag in spec.lags:
        if lag not in at or spec.horizon not in at:
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            point = curves.point[:, at[spec.horizon]] / curves.point[:, at[lag]]
            draws = curves.draws[..., at[spec.horizon]] / curves.draws[..., at[lag]]
        scenario = {"scenario": f"lag={lag}"}
        for g in curves.own:
            if not np.isnan(point[g]):
                yield {**_row(curves, spec, "retention", g, spec.horizon, point[g], draws[:, g]), **scenario}
        for shown in _contrasts(curves, spec, "retention", spec.horizon, point, draws, False):
            yield {**shown, **scenario}


def _row(
    curves: Curves, spec: CohortSpec, estimand: str, g: int, horizon: int, value: float, draws: np.ndarray,
    headline: bool = False,
) -> Row:  # fmt: skip
    shown = row(
        estimand,
        value,
        draws,
        spec.analysis.level,
        "probability",
        model=curves.model,
        group=curves.groups[g],
        horizon=horizon,
        headline=headline,
        n=int(curves.n[g]),
        n_events=int(curves.n_events[g]),
        extrapolated=0.0,
        **curves.labels,
    )
    return held(shown) if curves.sparse[g] else shown


def held(shown: Row) -> Row:
    """Widen an interval to hold the estimate, where the draws are not the estimator's own (design rule 10)."""
    if np.isnan(shown["conf_low"]):
        return shown
    return {
        **shown,
        "conf_low": min(shown["conf_low"], shown["estimate"]),
        "conf_high": max(shown["conf_high"], shown["estimate"]),
    }
