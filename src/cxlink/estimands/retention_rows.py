"""Curves with draws become rows: retention, contrasts, restricted means, incidence, lags."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.tidy import row
from cxlink.groups.curves import Curves
from cxlink.groups.headline_requests import reported_periods

Row = dict[str, Any]
CONTRASTS = {"difference": np.subtract, "ratio": np.divide}


@dataclass(frozen=True, slots=True)
class _Quantity:
    """One quantity of all groups, at one time.

    Attributes
    ----------
    estimand, unit : str
        Of the groups' own rows.
    horizon : int
        In periods.
    point : ndarray of shape (n_groups,)
        NaN where it is not known.
    draws : ndarray of shape (n_draws, n_groups)
        Draws of it.
    extrapolated : ndarray of shape (n_groups,)
        Share beyond the last period with ten customers at risk.
    own : tuple of int
        Groups with rows of their own.
    contrasted : bool
        Whether contrasts have rows as well.
    headline : bool
        Whether page one stands on the rows of the headline contrast.
    columns : dict of str to str
        What else names the rows: a scenario, a cause.
    """

    estimand: str
    unit: str
    horizon: int
    point: np.ndarray
    draws: np.ndarray
    extrapolated: np.ndarray
    own: tuple[int, ...]
    contrasted: bool = True
    headline: bool = False
    columns: dict[str, str] = field(default_factory=dict)


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
    leads = headline_tenure is not None
    found = [
        *_survival(curves, spec, leads),
        *_tenure(curves, spec, headline_tenure),
        *_incidence(curves, spec),
    ]
    if not curves.labels["scenario"] and not curves.labels["stratum"]:
        found += _lagged(curves, spec)
    rows: list[Row] = []
    for quantity in found:
        rows += _own(curves, spec, quantity)
        if quantity.contrasted:
            rows += _contrasts(curves, spec, quantity)
    return rows


def headline_horizon(curves: Curves, spec: CohortSpec) -> int:
    """Last step of the ladder inside follow-up of both sides of the headline; the horizon where none is."""
    sides = spec.contrast(spec.analysis.contrasts[0])
    last = [curves.last[g] for g in curves.own if curves.groups[g] in sides]
    inside = [h for h in curves.horizons if h in spec.tenure_horizons and h <= min(last, default=0)]
    return max(inside, default=spec.horizon)


def _survival(curves: Curves, spec: CohortSpec, headline: bool) -> Iterator[_Quantity]:
    ladder = {spec.horizon, *spec.tenure_horizons}
    for k, t in enumerate(int(t) for t in curves.times):
        shown = [
            g
            for g in curves.own
            if t == spec.horizon
            or (t in ladder and curves.model != "kaplan_meier")
            or t in reported_periods(int(curves.last[g]), spec.horizon)
        ]
        if t > 0 and (shown or t in ladder):
            yield _Quantity(
                "retention", "probability", t, curves.point[:, k], curves.draws[..., k],
                extrapolated=(t > curves.ten).astype(float), own=tuple(shown), contrasted=t in ladder,
                headline=headline and t == spec.horizon,
            )  # fmt: skip


def _tenure(curves: Curves, spec: CohortSpec, headline: int | None) -> Iterator[_Quantity]:
    for k, h in enumerate(curves.horizons):
        yield _Quantity(
            "tenure", spec.unit, h, curves.tenure[:, k], curves.tenure_draws[..., k],
            extrapolated=curves.beyond_ten[:, k], own=curves.own, headline=h == headline,
        )  # fmt: skip


def _incidence(curves: Curves, spec: CohortSpec) -> Iterator[_Quantity]:
    for c, cause in enumerate(curves.causes):
        yield _Quantity(
            "cumulative_incidence", "probability", spec.horizon, curves.incidence[:, c], curves.incidence_draws[..., c],
            extrapolated=(spec.horizon > curves.ten).astype(float), own=curves.own, contrasted=False,
            columns={"cause": cause},
        )  # fmt: skip


def _lagged(curves: Curves, spec: CohortSpec) -> Iterator[_Quantity]:
    """Retention from some periods after the score on, S(h) / S(lag): what leaving right away does to the contrast."""
    at = {int(t): k for k, t in enumerate(curves.times)}
    for lag in spec.lags:
        if lag not in at or spec.horizon not in at:
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            point = curves.point[:, at[spec.horizon]] / curves.point[:, at[lag]]
            draws = curves.draws[..., at[spec.horizon]] / curves.draws[..., at[lag]]
        yield _Quantity(
            "retention", "probability", spec.horizon, point, draws,
            extrapolated=(spec.horizon > curves.ten).astype(float), own=curves.own,
            columns={"scenario": f"lag={lag}"},
        )  # fmt: skip


def _own(curves: Curves, spec: CohortSpec, quantity: _Quantity) -> Iterator[Row]:
    sides = spec.contrast(spec.analysis.contrasts[0])
    for g in quantity.own:
        value, draws = quantity.point[g], quantity.draws[:, g]
        if np.isnan(value):
            continue
        shown = row(
            quantity.estimand, value, draws, spec.analysis.level, quantity.unit,
            headline=quantity.headline and curves.groups[g] in sides,
            extrapolated=quantity.extrapolated[g], **_names(curves, quantity, g),
        )  # fmt: skip
        yield held(shown) if curves.sparse[g] else shown


def _contrasts(curves: Curves, spec: CohortSpec, quantity: _Quantity) -> Iterator[Row]:
    first = spec.contrast(spec.analysis.contrasts[0])
    for a, b in curves.contrasts:
        reference = curves.groups[b]
        for kind, contrast in CONTRASTS.items():
            value, draws = contrasted(contrast, quantity.point, quantity.draws, a, b)
            if np.isnan(value):
                continue
            unit = "ratio" if kind == "ratio" else quantity.unit
            shown = row(
                f"{quantity.estimand}_{kind}", value, draws, spec.analysis.level, unit, reference=reference,
                headline=quantity.headline and (curves.groups[a], reference) == first,
                extrapolated=max(quantity.extrapolated[a], quantity.extrapolated[b]), **_names(curves, quantity, a),
            )  # fmt: skip
            if curves.sparse[a] or curves.sparse[b]:
                others = _at_the_estimate(contrast, quantity, a, b)
                shown = held(shown, [row("", value, drawn, spec.analysis.level, "") for drawn in others])
            yield shown


def loss_ratio(curves: Curves, spec: CohortSpec) -> Row | None:
    """Give the risk ratio of being lost by the horizon, of the headline contrast: (1 − S_best) / (1 − S_worst).

    Parameters
    ----------
    curves : Curves
        With draws; the interval is from those of the survival curves.
    spec : CohortSpec
        Its horizon, contrasts and level.

    Returns
    -------
    dict or None
        A row like those of `retention_rows`; None where the contrast is not known at the horizon.
    """
    at = {int(t): k for k, t in enumerate(curves.times)}.get(spec.horizon)
    if at is None:
        return None
    ten = (spec.horizon > curves.ten).astype(float)
    lost = _Quantity(
        "loss", "probability", spec.horizon, 1 - curves.point[:, at], 1 - curves.draws[..., at],
        extrapolated=ten, own=(), headline=True,
    )  # fmt: skip
    rows = [row for row in _contrasts(curves, spec, lost) if row["headline"]]
    return next((row for row in rows if row["estimand"] == "loss_ratio"), None)


def _names(curves: Curves, quantity: _Quantity, g: int) -> Row:
    """Columns that say whose row it is."""
    return {
        "model": curves.model, "group": curves.groups[g], "horizon": quantity.horizon, "n": int(curves.n[g]),
        "n_events": int(curves.n_events[g]), **curves.labels, **quantity.columns,
    }  # fmt: skip


def contrasted(
    contrast: np.ufunc, point: np.ndarray, draws: np.ndarray, a: int, b: int
) -> tuple[float, np.ndarray]:
    """Contrast of two groups: the value, and its draws; a ratio to 0 is infinite, 0 to 0 undefined."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(contrast(point[a], point[b])), contrast(draws[..., a], draws[..., b])


def _at_the_estimate(contrast: np.ufunc, quantity: _Quantity, a: int, b: int) -> list[np.ndarray]:
    """Draws of a contrast with one side at its estimate: a sparse group's draws never reach a share of 0 or 1."""
    point, draws = quantity.point, quantity.draws
    with np.errstate(divide="ignore", invalid="ignore"):
        return [contrast(point[a], draws[:, b]), contrast(draws[:, a], point[b])]


def held(shown: Row, others: Sequence[Row] = ()) -> Row:
    """Widen an interval to hold the estimate, where the draws are not the estimator's own (design rule 10).

    Parameters
    ----------
    shown : dict
        A row with an interval.
    others : sequence of dict
        Rows whose intervals it is to hold as well.
    """
    if np.isnan(shown["conf_low"]):
        return shown
    every = [shown, *others]
    low = np.nanmin([shown["estimate"], *(other["conf_low"] for other in every)])
    high = np.nanmax([shown["estimate"], *(other["conf_high"] for other in every)])
    return {**shown, "conf_low": float(low), "conf_high": float(high)}
