"""Estimands of survival: retention, expected tenure, incidence; and which of their rows are the headline."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from cxlink.checks import Check, Fact
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.contrasts import BOTH, DIFFERENCE
from cxlink.estimands.estimand import NOT_LEADING, Answer, Estimand, Leads, NotAnswered, Row
from cxlink.estimands.estimand_rows import refusals, rows_of
from cxlink.estimands.tidy import intervals
from cxlink.groups.curves import cumulative_areas
from cxlink.groups.headline_requests import reported_periods
from cxlink.survival.survival import Drawn, Survival


def survival_estimands(spec: CohortSpec) -> tuple[Estimand, ...]:
    """Every estimand of models of retention."""
    causes = spec.subscription is not None and spec.subscription.cause is not None
    return (
        Estimand("retention", "probability", partial(retention, spec=spec), BOTH),
        Estimand("tenure", spec.unit, restricted_mean, BOTH),
        Estimand("time_lost", spec.unit, time_lost, BOTH),
        *((_incidence(spec.horizon),) if causes else ()),
        Estimand("tenure_curtate", spec.unit, curtate),
        Estimand("tenure_discounted", spec.unit, partial(discounted, rate=spec.discount)),
        Estimand("tenure_mean", spec.unit, mean_tenure),
        Estimand("tenure_median", spec.unit, median),
    )


def lag_estimand(spec: CohortSpec) -> Estimand:
    """Retention to the horizon of customers retained for some periods."""
    return Estimand("retention", "probability", partial(since, horizon=spec.horizon), BOTH)


def remaining_estimand(spec: CohortSpec) -> Estimand:
    """Expected remaining tenure of customers retained for some periods."""
    return Estimand("remaining_tenure", spec.unit, remaining, (DIFFERENCE,))


def retention(s: Survival, spec: CohortSpec) -> Answer:
    """S(h): at the steps of the ladder, and of an observed curve at each period with customers at risk."""
    ladder = {spec.horizon, *spec.tenure_horizons}
    used = np.array([k for k, t in enumerate(s.times) if t > 0 and (s.observed or t in ladder)], dtype=int)
    times = s.times[used]
    step = np.isin(times, list(ladder))
    reported = [np.isin(times, reported_periods(int(last), spec.horizon)) for last in s.last]
    return Answer(
        s.point[:, used],
        s.draws[..., used],
        np.array([s.extrapolated(t) for t in times]).reshape(len(times), len(s.groups)).T,
        tuple({"horizon": int(t)} for t in times),
        shown=step | np.array(reported).reshape(len(s.groups), len(times)),
        contrasted=step,
    )


def restricted_mean(s: Survival) -> Answer:
    """∫S(t)dt to each step of the ladder."""
    kept = [k for k, h in enumerate(s.horizons) if np.isfinite(h)]
    places = tuple({"horizon": int(s.horizons[k])} for k in kept)
    return Answer(s.area.point[:, kept], s.area.draws[..., kept], s.extrapolated_area[:, kept], places)


def curtate(s: Survival) -> Answer | NotAnswered:
    """Curtate expected tenure, S(1) + … + S(h)."""
    if s.tail is not None:
        return _to_horizons(s, s.tail.curtate, s.extrapolated_area[:, : s.tail.curtate.point.shape[1]])
    return _summed(s, lambda survival, _: np.cumsum(survival, axis=-1) - 1)


def discounted(s: Survival, rate: float) -> Answer | NotAnswered:
    """∫S(t)·e^(−δt)dt to each horizon, and of models with a tail without one; δ is the rate of one period."""
    if s.tail is not None:
        return _to_horizons(s, s.tail.discounted, s.extrapolated_area)
    return _summed(s, lambda survival, times: cumulative_areas(survival * np.exp(-rate * times)))


def _summed(s: Survival, total: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Answer | NotAnswered:
    """Sums of S over whole periods, to those horizons up to which S is known at every whole period."""
    n = s.n_whole
    ends = [int(h) for h in s.horizons if np.isfinite(h)]
    if not ends or n <= min(ends):
        return NotAnswered("not_drawn")
    at = np.minimum(ends, n - 1)
    beyond = np.array(ends) >= n
    point, draws = (total(part[..., :n], s.times[:n])[..., at] for part in (s.point, s.draws))
    return _to_horizons(s, Drawn(np.where(beyond, np.nan, point), draws), s.extrapolated_area)


def _to_horizons(s: Survival, drawn: Drawn, beyond: np.ndarray) -> Answer:
    places = [{"horizon": int(h)} if np.isfinite(h) else {} for h in s.horizons[: drawn.point.shape[1]]]
    return Answer(drawn.point, drawn.draws, beyond[:, : len(places)], tuple(places))


def mean_tenure(s: Survival) -> Answer | NotAnswered:
    """∫S(t)dt without a horizon."""
    if s.tail is None:
        return NotAnswered("no_tail")
    return Answer(s.area.point[:, -1:], s.area.draws[..., -1:], s.extrapolated_area[:, -1:], ({},))


def median(s: Survival) -> Answer | NotAnswered:
    """Median tenure; draws that do not reach it within follow-up are infinite."""
    if s.tail is not None:
        point, draws = s.tail.median.point, s.tail.median.draws
    elif s.n_whole < 2 or not s.horizons:
        return NotAnswered("not_drawn")
    else:
        point, draws = (half_left(part[..., : s.n_whole]) for part in (s.point, s.draws))
        point = np.where(np.isinf(point), np.nan, point)
    beyond = (point > s.observed_until).astype(float)
    return Answer(point[:, None], draws[..., None], beyond[:, None], ({},))


def half_left(survival: np.ndarray) -> np.ndarray:
    """Times at which S falls to one half: log-linear within periods, linear where it reaches 0; infinite if never.

    Parameters
    ----------
    survival : ndarray of shape (..., n_times)
        S(t) at t = 0, 1, …; NaN where unknown.

    Returns
    -------
    ndarray of shape (...)

    Examples
    --------
    >>> half_left(np.array([[1.0, 0.8, 0.4], [1.0, 0.9, 0.0], [1.0, 0.9, 0.6]])).round(3)
    array([1.678, 1.444,   inf])
    """
    below = survival <= 0.5
    after = np.maximum(below.argmax(axis=-1), 1)
    s1, s0 = (np.take_along_axis(survival, at[..., None], axis=-1)[..., 0] for at in (after, after - 1))
    # next to nothing may be left: s0/s1 is then more than any number, and the half is lost at once
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        part = np.where(s1 > 0, np.log(s0 / 0.5) / np.log(s0 / s1), (s0 - 0.5) / s0)
    return np.where(below.any(axis=-1), after - 1 + part, np.inf)


def remaining(s: Survival) -> Answer:
    """Expected remaining tenure of groups: ∫S(t)dt to each horizon from then on, and without one."""
    whole = _to_horizons(s, s.area, s.extrapolated_area)
    places = tuple({**place, "given": s.given} for place in whole.places)
    return replace(whole, places=places, contrasted=np.isfinite(s.horizons))


def time_lost(s: Survival) -> Answer:
    """Restricted mean time lost, h − ∫S(t)dt: periods of the next h that a customer is not there.

    Andersen (2013), Statistics in Medicine 32:5278–5285.
    """
    stayed = restricted_mean(s)
    until = np.array([place["horizon"] for place in stayed.places])
    return replace(stayed, point=until - stayed.point, draws=until - stayed.draws)


def _incidence(horizon: int) -> Estimand:
    return Estimand("cumulative_incidence", "probability", partial(incidence, horizon=horizon))


def incidence(s: Survival, horizon: int) -> Answer | NotAnswered:
    """Share lost to each competing cause by the horizon."""
    if s.incidence is None:
        return NotAnswered("one_cause" if s.observed else "all_causes")
    beyond = np.repeat(s.extrapolated(horizon)[:, None], len(s.causes), axis=1)
    places = tuple({"horizon": horizon, "cause": cause} for cause in s.causes)
    return Answer(s.incidence.point, s.incidence.draws, beyond, places)


def since(s: Survival, horizon: int) -> Answer | NotAnswered:
    """Retention to the horizon of customers retained so far: the contrast without those lost first."""
    late = s.at(horizon - s.given)
    if late is None:
        return NotAnswered("not_drawn")
    place = {"horizon": horizon, "scenario": f"lag={s.given}"}
    beyond = s.extrapolated(horizon - s.given)
    return Answer(late.point[:, None], late.draws[..., None], beyond[:, None], (place,))


def curve_frames(s: Survival, level: float, groups: Collection[str] | None = None) -> list[pd.DataFrame]:
    """Survival with its interval, for figures.

    Parameters
    ----------
    s : Survival
        With draws.
    level : float
        Coverage.
    groups : collection of str, optional
        Which; all by default.

    Returns
    -------
    list of DataFrame
        ``model, adjusted, scenario, group, time, estimate, conf_low, conf_high``, one a group.
    """
    drawn, times = (
        (Drawn(s.point, s.draws), s.times) if s.tail is None else (s.tail.shown, s.tail.shown_times)
    )
    shown = [g for g, group in enumerate(s.groups) if groups is None or group in groups]
    ends = intervals(drawn.draws[:, shown].astype(float), level)
    return [
        pd.DataFrame({
            "model": s.model, "adjusted": s.labels["adjusted"], "scenario": s.labels["scenario"],
            "group": s.groups[g], "time": times, "estimate": drawn.point[g].astype(float), "conf_low": ends[1, k],
            "conf_high": ends[2, k],
        })
        for k, g in enumerate(shown)
    ]  # fmt: skip


def survival_rows(s: Survival, spec: CohortSpec, leads: Leads = NOT_LEADING) -> list[Row]:
    """All rows of one model of retention."""
    rows = rows_of(s, survival_estimands(spec), spec, leads)
    for one in s.later:
        # lags are a scenario of the main analysis alone
        if one.horizons or not s.labels["scenario"]:
            estimand = remaining_estimand(spec) if one.horizons else lag_estimand(spec)
            rows += rows_of(one, (estimand,), spec)
    return rows


def survival_refusals(s: Survival, spec: CohortSpec) -> Iterator[Check]:
    """Checks that name the estimands without an estimate from a model of retention; of the whole cohort only."""
    if not s.labels["scenario"] and not s.labels["stratum"]:
        yield from refusals(s, survival_estimands(spec))
        later = {(one.given, bool(one.horizons)): one for one in s.later}
        starts = [(lag, False) for lag in spec.lags] + [(given, True) for given in spec.given]
        for given, remains in starts:
            estimand = remaining_estimand(spec) if remains else lag_estimand(spec)
            if (given, remains) in later:
                yield from refusals(later[given, remains], (estimand,))
            else:
                facts: dict[str, Fact] = {"estimand": estimand.name, "adjusted": str(s.labels["adjusted"])}
                yield Check(
                    "not_answered", s.model, value=float(given), facts={**facts, "case": "no_start_later"}
                )


def leading_rows(s: Survival, spec: CohortSpec) -> Leads:
    """Make a model the headline: its retention at the horizon, and its restricted mean at the last horizon inside.

    Inside the follow-up of both sides of the headline; at the horizon where no horizon of the ladder is.
    """
    sides = spec.contrast(spec.analysis.contrasts[0])
    last = min((int(s.last[g]) for g in s.own if s.groups[g] in sides), default=0)
    inside = [int(h) for h in s.horizons if h in spec.tenure_horizons and h <= last]
    return Leads({"retention": spec.horizon, "tenure": max(inside, default=spec.horizon)})


def loss_ratio(s: Survival, spec: CohortSpec) -> Row | None:
    """Give the risk ratio of being lost by the horizon, of the headline contrast: (1 − S_best) / (1 − S_worst).

    Parameters
    ----------
    s : Survival
        With draws; the interval is from those of the survival curves.
    spec : CohortSpec
        Its horizon, contrasts and level.

    Returns
    -------
    dict or None
        None where the contrast is not known at the horizon.
    """
    lost = Estimand("loss", "probability", partial(_lost, horizon=spec.horizon), BOTH)
    rows = rows_of(s, (lost,), spec, Leads({"loss": spec.horizon}))
    return next((row for row in rows if row["headline"] and row["estimand"] == "loss_ratio"), None)


def _lost(s: Survival, horizon: int) -> Answer | NotAnswered:
    kept = s.at(horizon)
    if kept is None:
        return NotAnswered("not_drawn")
    beyond = s.extrapolated(horizon)[:, None]
    return Answer(1 - kept.point[:, None], 1 - kept.draws[..., None], beyond, ({"horizon": horizon},))
