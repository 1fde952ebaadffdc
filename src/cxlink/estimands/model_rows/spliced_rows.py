"""Expected tenure by observed and continued curves: the model that the report uses, its rows and its checks."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cxlink.checks import Check, Fact
from cxlink.cohort.count.spells import Spells
from cxlink.cohort.spec.cohort_spec import TENURE_AT_SURVEY, CohortSpec
from cxlink.estimands.contrasts import BOTH
from cxlink.estimands.estimand import Estimand
from cxlink.estimands.estimand_rows import rows_of
from cxlink.estimands.model_rows.anchor_checks import anchor_checks, anchor_effect, with_anchors_of
from cxlink.estimands.scenario import scenario_of
from cxlink.estimands.survival_estimands import (
    curve_frames,
    restricted_mean,
    survival_refusals,
    survival_rows,
)
from cxlink.groups import requests as standards
from cxlink.groups.requests import Request
from cxlink.groups.standardisation import standardised
from cxlink.survival.sparsity import FEWEST as FEWEST_LOSSES
from cxlink.survival.survival import Survival
from cxlink.survival.tails.group_readings import MODEL
from cxlink.survival.tails.published_errors import (
    FEWEST_PERIODS,
    followed_alike,
    published_error_at,
    published_table,
)
from cxlink.survival.tails.spliced_tenure import Further, spliced
from cxlink.survival.tails.tails import Tails, tails_of

Row = dict[str, Any]
FARTHEST = 3.0
"""Times follow-up that hardly a published curve goes beyond."""
_DRAWN = ("worst", "best", "all")
_INTERVAL = (0.025, 0.975)
_SHARED = ("retention_difference", "tenure_difference")


@dataclass(frozen=True, slots=True, eq=False)
class SplicedTenure:
    """What continued curves say of tenure.

    Attributes
    ----------
    rows : list of dict
        Of the estimates.
    checks : list of Check
        Of the structure, of renewals and of the error.
    curves : list of DataFrame
        See `curve_frames`.
    tails : Tails
        What continued them.
    """

    rows: list[Row]
    checks: list[Check]
    curves: list[pd.DataFrame]
    tails: Tails


def spliced_results(spells: Spells, spec: CohortSpec, rng: np.random.Generator) -> SplicedTenure:
    """Continue the curves of a cohort, by score alone and standardised, and give all their rows.

    Parameters
    ----------
    spells : Spells
        The cohort.
    spec : CohortSpec
        What is asked of it.
    rng : Generator
        Source of the draws.
    """
    tails, requests = cohort_tails(spells, spec), _requests(spells, spec)
    share = tuple(level_shares([s.group for s in request.standards], spells) for request in requests)
    lags = tuple((lag, spec.horizon - lag) for lag in spec.lags)
    further = Further(spec.discount, spec.analysis.waning, share, spec.given, lags, shared=True)

    def curves(tails: Tails, rng: np.random.Generator) -> tuple[Survival, ...]:
        return spliced(
            spells, requests, spec.analysis.draws, rng, horizon=spec.horizon, tails=tails, further=further
        )

    bare = replace(tails, anchoring=None)
    without = curves(bare, deepcopy(rng)) if tails.anchoring is not None else ()
    made = curves(tails, rng)
    main = [one for one in made if not one.labels["scenario"]]
    return SplicedTenure(
        [row for one in made for row in survival_rows(one, spec) if _reported(row)],
        [
            *tail_checks(tails, spec.unit),
            *anchor_checks(tails, spec),
            *anchor_effect(without, made, spec),
            *_distances(main[-1], spec),
            *few_losses(main[-1], max(spec.tenure_horizons)),
            *(check for one in main for check in survival_refusals(one, spec)),
        ],
        [frame for one in made if one.own for frame in curve_frames(one, spec.analysis.level, _DRAWN)],
        tails,
    )


def tenure_means(spells: Spells, spec: CohortSpec, rng: np.random.Generator) -> list[Row]:
    """Give the restricted means of a cohort alone, by score alone and standardised, as `spliced_results` makes them.

    Parameters
    ----------
    spells, spec, rng
        See there.
    """
    tenure = Estimand("tenure", spec.unit, restricted_mean, BOTH)
    return [row for one in tenure_curves(spells, spec, rng) for row in rows_of(one, (tenure,), spec)]


def tenure_curves(spells: Spells, spec: CohortSpec, rng: np.random.Generator) -> tuple[Survival, ...]:
    """Give a cohort's curves by score alone and, where it has strata, standardised; see `spliced_results`."""
    tails, requests = cohort_tails(spells, spec), _requests(spells, spec)
    return spliced(spells, requests, spec.analysis.draws, rng, horizon=spec.horizon, tails=tails)


def cohort_tails(spells: Spells, spec: CohortSpec) -> Tails:
    """Choose and fit what continues a cohort's curves, as an analysis does."""
    clock = spec.subscription.clock if spec.subscription is not None else "survey"
    cycles = clock == "signup" or TENURE_AT_SURVEY in spec.stratum_variables
    made = tails_of(spells, np.random.default_rng([spec.analysis.seed, _STREAM]), cycles=cycles)
    return with_anchors_of(spec, made, spells) if spec.anchors else made


_STREAM = 12


def _reported(row: Row) -> bool:
    """Leave out what levels' common error does not change: rows within follow-up; of others give the differences."""
    shared = scenario_of(row["scenario"]).kind == "shared"
    return not shared or (row["estimand"] in _SHARED and row["extrapolated"] > 0)


def _requests(spells: Spells, spec: CohortSpec) -> list[Request]:
    """Groups by score alone, each one's customers together where all enter at the survey; and standardised."""
    late = bool((spells.entry > 0).any())
    alone = standards.by_level(spells, spec) if late else standards.pooled(spells, spec)
    ladder = tuple(sorted({spec.horizon, *spec.tenure_horizons}))
    asked = [request for request in (alone, standardised(spells, spec, None)) if request is not None]
    return [replace(request, times=np.array([0, *ladder]), horizons=ladder) for request in asked]


def level_shares(groups: list[str], spells: Spells) -> np.ndarray:
    """Each single level's share of the customers, by reported group; 0 for the others."""
    level = spells.level[spells.pair]
    n = {str(name): float(spells.n[level == k].sum()) for k, name in enumerate(spells.levels)}
    first = {group: k for k, group in reversed(list(enumerate(groups))) if group in n}
    share = np.zeros(len(groups))
    for group, k in first.items():
        share[k] = n[group]
    return share / max(float(share.sum()), 1.0)


def tail_checks(tails: Tails, unit: str) -> Iterator[Check]:
    """Say which structure was chosen, which cycle is carried on, which breaks were found, and how large the error is.

    Parameters
    ----------
    tails : Tails
        What continues curves.
    unit : str
        Time unit.
    """
    chosen = tails.candidates[0]
    acting = "by_stratum" if chosen.by_stratum else "additive"
    lasting = "drifting" if chosen.drifts else "lasting" if np.isinf(chosen.half_life) else "fading"
    lasting += "_in_time" if chosen.drifts and chosen.in_time else ""
    facts: dict[str, Fact] = {"case": f"{acting}_{lasting}", "std_error": chosen.std_error, "unit": unit}
    if np.isfinite(chosen.half_life):
        facts["half_life"] = chosen.half_life
    yield Check("tail_structure", MODEL, value=chosen.gain, facts=facts)
    in_time = [one.share for one in tails.candidates if one.in_time]
    if in_time:
        case = "estimate" if chosen.in_time else "draws"
        yield Check("tail_in_time", MODEL, value=sum(in_time), facts={"case": case})
    if tails.cycle is not None:
        case = "carried" if tails.carried else "one_spike" if tails.cycle.spikes < 2 else "unknown_phase"
        told: dict[str, Fact] = {
            "case": case,
            "ratio": tails.cycle.ratio,
            "unit": unit,
            "spikes": tails.cycle.spikes,
        }
        yield Check(
            "renewal_cycle",
            MODEL,
            value=float(tails.cycle.every),
            passed=None if tails.carried else False,
            facts=told,
        )
    yield from _break_checks(tails, unit)
    for one in tails.own.origins:
        if len(one.error):
            where: dict[str, Fact] = {"origin": one.origin, "unit": unit}
            spread = 1.96 * float(np.sqrt(one.sampling[-1, -1]))
            last = float(one.error[-1])
            yield Check(
                "earlier_origin", MODEL, value=last, low=last - spread, high=last + spread, facts=where
            )
    for code, values, weights in (
        ("error_factor", tails.own.factors, tails.own.factor_weights),
        ("error_correlation", tails.own.correlations, tails.own.correlation_weights),
    ):
        low, high = (float(values[np.searchsorted(np.cumsum(weights), p)]) for p in _INTERVAL)
        yield Check(code, MODEL, value=float(values @ weights), low=low, high=high)


def _break_checks(tails: Tails, unit: str) -> Iterator[Check]:
    """Give the ratio of hazards at each break, with its normal interval on the log scale."""
    time, fit = tails.fit.terms.time, tails.fit
    for step, last in enumerate(time.breaks, time.first_step):
        at = int(np.flatnonzero(fit.terms.function == step)[0])
        spread = 1.96 * float(np.sqrt(fit.inverse[at, at]))
        ratio, low, high = (float(np.exp(fit.theta[at] + z)) for z in (0.0, -spread, spread))
        facts: dict[str, Fact] = {"last": last, "unit": unit}
        yield Check("hazard_break", MODEL, value=ratio, low=low, high=high, facts=facts)


def _distances(curves: Survival, spec: CohortSpec) -> Iterator[Check]:
    sides = spec.contrast(spec.analysis.contrasts[0])
    until = [int(curves.observed_until[g]) for g in curves.own if curves.groups[g] in sides]
    yield from extrapolation_distance(max(spec.tenure_horizons), min(until, default=0), spec.unit)


def few_losses(curves: Survival, horizon: int) -> Iterator[Check]:
    """Name the groups whose tenure beyond follow-up rests on fewer than ten losses, though ten or more are retained.

    Their penalised hazard is carried on. An extrapolation error multiplies it, so that near zero it hardly moves. Of a
    group that is nearly all lost, hardly anybody's tenure is extrapolated.

    Parameters
    ----------
    curves : Survival
        Spliced curves.
    horizon : int
        The longest that tenure is asked to, in periods.
    """
    for g in curves.own:
        lost, retained = int(curves.n_events[g]), int(curves.n[g] - curves.n_events[g])
        if lost < FEWEST_LOSSES <= retained and curves.observed_until[g] < horizon:
            bound = float(FEWEST_LOSSES)
            yield Check("losses_carried_on", MODEL, curves.groups[g], float(lost), bound=bound, passed=False)


def extrapolation_distance(horizon: int, followed: int, unit: str, model: str = MODEL) -> Iterator[Check]:
    """Say how many times follow-up a horizon is, and what going so far was worth elsewhere; nothing within follow-up.

    Parameters
    ----------
    horizon, followed : int
        In periods: what is asked for, and what was observed.
    unit : str
        Time unit.
    model : str
        Whose horizon.
    """
    last = max(followed, 1)
    times = horizon / last
    if times > 1:
        worth = published_error_at(followed_alike(published_table(), last), times)
        facts: dict[str, Fact] = {
            "horizon": horizon, "followed": last, "unit": unit, "compared": worth.times, "curves": worth.curves,
            "sources": worth.sources, "factor": float(np.exp(worth.error)),
        }  # fmt: skip
        yield Check("extrapolation_factor", model, value=times, bound=FARTHEST, facts=facts)
        if last < FEWEST_PERIODS:
            least, of = float(FEWEST_PERIODS), {"unit": unit}
            yield Check("few_periods", model, value=float(last), bound=least, passed=False, facts=of)
