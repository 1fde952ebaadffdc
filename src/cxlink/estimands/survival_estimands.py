"""What is asked of survival: retention, expected tenure, incidence; and how page one chooses among it."""

from collections.abc import Collection
from functools import partial

import numpy as np
import pandas as pd

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.contrasts import BOTH
from cxlink.estimands.estimand import NOT_LEADING, Answer, Estimand, Leads, Row, rows_of
from cxlink.estimands.tidy import intervals
from cxlink.groups.headline_requests import reported_periods
from cxlink.survival.survival import Drawn, Survival


def survival_estimands(spec: CohortSpec) -> tuple[Estimand, ...]:
    """Everything that is asked of models of retention."""
    return (
        Estimand("retention", "probability", partial(retention, spec=spec), BOTH),
        Estimand("tenure", spec.unit, restricted_mean, BOTH),
        Estimand("cumulative_incidence", "probability", partial(incidence, horizon=spec.horizon)),
        Estimand("tenure_curtate", spec.unit, curtate),
        Estimand("tenure_discounted", spec.unit, discounted),
        Estimand("tenure_mean", spec.unit, mean_tenure),
        Estimand("tenure_median", spec.unit, median),
        Estimand("remaining_tenure", spec.unit, remaining),
        *(
            Estimand("retention", "probability", partial(since, lag=lag, horizon=spec.horizon), BOTH)
            for lag in spec.lags
        ),
    )


def retention(s: Survival, spec: CohortSpec) -> Answer:
    """S(h): at the steps of the ladder, and of an observed curve at each period with customers at risk."""
    ladder = {spec.horizon, *spec.tenure_horizons}
    used = np.array([k for k, t in enumerate(s.times) if t > 0], dtype=int)
    times = s.times[used]
    step = np.isin(times, list(ladder))
    reported = [np.isin(times, reported_periods(int(last), spec.horizon)) for last in s.last]
    always = times == spec.horizon if s.observed else step
    return Answer(
        s.point[:, used],
        s.draws[..., used],
        np.stack([s.extrapolated(t) for t in times], axis=1) if len(times) else np.zeros((len(s.groups), 0)),
        tuple({"horizon": int(t)} for t in times),
        shown=always | np.array(reported).reshape(len(s.groups), len(times)),
        contrasted=step,
    )


def restricted_mean(s: Survival) -> Answer:
    """∫S(t)dt to each step of the ladder."""
    kept = [k for k, h in enumerate(s.horizons) if np.isfinite(h)]
    places = tuple({"horizon": int(s.horizons[k])} for k in kept)
    return Answer(s.area.point[:, kept], s.area.draws[..., kept], s.extrapolated_area[:, kept], places)


def curtate(s: Survival) -> Answer | None:
    """S(1) + … + S(h): whole periods completed."""
    if s.tail is None:
        return None
    kept = [k for k, h in enumerate(s.horizons) if np.isfinite(h)]
    return _to_horizons(s, s.tail.curtate, s.extrapolated_area[:, kept])


def discounted(s: Survival) -> Answer | None:
    """∫S(t)·e^(−δt)dt to each horizon, and without one."""
    return None if s.tail is None else _to_horizons(s, s.tail.discounted, s.extrapolated_area)


def _to_horizons(s: Survival, drawn: Drawn, beyond: np.ndarray) -> Answer:
    places = [{"horizon": int(h)} if np.isfinite(h) else {} for h in s.horizons[: drawn.point.shape[1]]]
    return Answer(drawn.point, drawn.draws, beyond, tuple(places))


def mean_tenure(s: Survival) -> Answer | None:
    """∫S(t)dt without a horizon."""
    if not s.horizons or np.isfinite(s.horizons[-1]):
        return None
    return Answer(s.area.point[:, -1:], s.area.draws[..., -1:], s.extrapolated_area[:, -1:], ({},))


def median(s: Survival) -> Answer | None:
    """When half of the customers have left."""
    if s.tail is None:
        return None
    found = s.tail.median
    beyond = (found.point > s.observed_until).astype(float)
    return Answer(found.point[:, None], found.draws[..., None], beyond[:, None], ({},))


def remaining(s: Survival) -> Answer | None:
    """∫S(t)dt of those who have stayed so long, to each horizon from there, and without one."""
    if not s.later:
        return None
    parts = [_to_horizons(one, one.area, one.extrapolated_area) for one in s.later]
    return Answer(
        np.concatenate([part.point for part in parts], axis=1),
        np.concatenate([part.draws for part in parts], axis=2),
        np.concatenate([part.extrapolated for part in parts], axis=1),
        tuple(
            {**place, "given": one.given}
            for one, part in zip(s.later, parts, strict=True)
            for place in part.places
        ),
    )


def incidence(s: Survival, horizon: int) -> Answer | None:
    """Share lost to each competing cause by the horizon."""
    if s.incidence is None:
        return None
    beyond = np.repeat(s.extrapolated(horizon)[:, None], len(s.causes), axis=1)
    places = tuple({"horizon": horizon, "cause": cause} for cause in s.causes)
    return Answer(s.incidence.point, s.incidence.draws, beyond, places)


def since(s: Survival, lag: int, horizon: int) -> Answer | None:
    """Retention from some periods after the score on, S(h) / S(lag): what leaving at once does to the contrast."""
    early, late = s.at(lag), s.at(horizon)
    if early is None or late is None or s.posterior:
        return None
    if s.labels["scenario"] or s.labels["stratum"]:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        point, draws = late.point / early.point, late.draws / early.draws
    place = {"horizon": horizon, "scenario": f"lag={lag}"}
    return Answer(point[:, None], draws[..., None], s.extrapolated(horizon)[:, None], (place,))


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
            "model": s.model, "adjusted": s.labels["adjusted"], "scenario": s.labels.get("scenario", ""),
            "group": s.groups[g], "time": times, "estimate": drawn.point[g].astype(float), "conf_low": ends[1, k],
            "conf_high": ends[2, k],
        })
        for k, g in enumerate(shown)
    ]  # fmt: skip


def survival_rows(s: Survival, spec: CohortSpec, leads: Leads = NOT_LEADING) -> list[Row]:
    """All rows of one model of retention."""
    return rows_of(s, survival_estimands(spec), spec, leads)


def leading_rows(s: Survival, spec: CohortSpec) -> Leads:
    """Let page one stand on a model: on its retention at the horizon, and the restricted mean to the last step inside.

    Inside follow-up of both sides of the headline; to the horizon where no step of the ladder is.
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


def _lost(s: Survival, horizon: int) -> Answer | None:
    kept = s.at(horizon)
    if kept is None:
        return None
    beyond = s.extrapolated(horizon)[:, None]
    return Answer(1 - kept.point[:, None], 1 - kept.draws[..., None], beyond, ({"horizon": horizon},))
