"""Posterior draws of retention averaged over customers: each group over its own, and standardised.

The estimate is the mean of the draws, of a ratio their median (a ratio may have no mean). A walk has no distribution of
the end of all customers, so there is no mean without a horizon.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cxlink.bayes.draws.posterior_curves import DrawnSurvival, survival_of
from cxlink.bayes.draws.sampling import Posterior
from cxlink.bayes.pooled_counts import Coding, coding_from, strata_of
from cxlink.cohort.count.spells import Spells, person_periods
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.groups.curves import Standard, cumulative_areas
from cxlink.groups.group import Group, contrasts_of, groups_of
from cxlink.groups.headline_requests import later_starts
from cxlink.groups.mixtures import mixtures, standardise
from cxlink.groups.retained import Scored, retained_shares, retained_weights
from cxlink.groups.standardisation import standardised
from cxlink.survival.families.projected_tenure import last_with_ten
from cxlink.survival.families.time_grid import whole_periods
from cxlink.survival.survival import Drawn, Survival

_MOST_TIMES = 72
_BLOCK = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Averages:
    """Groups as averages over pairs of level and stratum, and entries.

    Attributes
    ----------
    adjusted : {"no", "standardised"}
        Over each group's own customers, or over those of all.
    standards : tuple of Standard
        One a group; curves count pairs.
    level, stratum : int ndarray of shape (n_pairs,)
        Positions of each pair in the coding of the draws.
    last : int ndarray of shape (n_groups,)
        Last period after the survey with ten customers at risk, whatever the entry.
    scored : Scored or None
        Whose mix the groups share among those retained; None where each group is its own customers.
    """

    adjusted: str
    standards: tuple[Standard, ...]
    level: np.ndarray
    stratum: np.ndarray
    last: np.ndarray
    scored: Scored | None = None


def retention_draws(
    posterior: Posterior,
    spells: Spells,
    spec: CohortSpec,
    rng: np.random.Generator,
    *,
    cohort: str | None = None,
    scenario: str = "",
) -> list[Survival]:
    """Average draws over the customers of a cohort.

    Parameters
    ----------
    posterior : Posterior
        Of `bayes` or `bayes_sbg`, sampled now or read back.
    spells : Spells
        The cohort that is reported: its groups and weights.
    spec : CohortSpec
        Its horizons; of the draws, ``analysis.draws`` are used.
    rng : Generator
        For what lies beyond follow-up.
    cohort : str, optional
        Whose curves, see `cxlink.bayes.draws.posterior_curves.survival_of`; the last one pooled by default.
    scenario : str
        What differs from the main analysis, such as ``new cohort``.

    Returns
    -------
    list of Survival
        Over each group's own customers, and, where there are strata or entries, over those of all customers scored.
    """
    coding = coding_from(posterior.about["coding"])
    ladder = {spec.horizon, *spec.tenure_horizons}
    latest = int(spells.entry.max(initial=0))
    if spells.mix is not None:
        latest = max(latest, int(spells.mix.entry.max(initial=0)))
    starts = later_starts(spec, tuple(sorted(ladder)))
    end = latest + max(ladder) + max(spec.given, default=0)
    survival = survival_of(posterior, end, rng, cohort=cohort, most=spec.analysis.draws)
    times = np.union1d(whole_periods(max(ladder), _MOST_TIMES), list(ladder)).astype(int)
    pairs = contrasts_of(groups_of(spells, spec), spec)
    survivals = []
    for one in averages_of(spells, spec, coding):
        asked = _Asked(one, pairs, times, sorted(ladder), posterior.name, scenario)
        first = _survival(asked, averaged(survival, one, times), 0)
        later = []
        for given, _, times_then, horizons in starts:
            then = np.array(times_then) if not horizons else times
            part = replace(asked, times=then, ladder=list(horizons))
            later.append(_survival(part, averaged(survival, one, then, later=given), given))
        survivals.append(replace(first, later=tuple(later)))
    return survivals


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """Whose survival is asked for, at which times and horizons, and which groups are compared."""

    averages: Averages
    pairs: list[tuple[str, str]]
    times: np.ndarray
    ladder: list[int]
    model: str
    scenario: str


def _survival(asked: _Asked, draws: np.ndarray, given: int) -> Survival:
    """Put draws of the groups' S together, of those who have stayed so long."""
    standards, until = asked.averages.standards, asked.averages.last - given
    times, ladder = asked.times, asked.ladder
    position = {standard.group: g for g, standard in enumerate(standards)}
    pairs = [*asked.pairs, *((s.group, "worst") for s in standards if s.n == 0)]
    area = cumulative_areas(draws, times)
    mean, at = area.mean(axis=0), np.searchsorted(times, ladder)
    ends = np.minimum.outer(np.maximum(until, 0), np.array(ladder))
    return Survival(
        model=asked.model,
        labels={"adjusted": asked.averages.adjusted, "stratum": "", "scenario": asked.scenario},
        groups=tuple(position),
        n=np.array([standard.n for standard in standards]),
        n_events=np.array([standard.n_events for standard in standards]),
        times=times,
        point=draws.mean(axis=0),
        draws=draws,
        horizons=tuple(ladder),
        area=Drawn(mean[:, at], area[..., at]),
        inside=np.array([np.interp(end, times, row) for end, row in zip(ends, mean, strict=True)]),
        observed_until=until,
        last=np.zeros(len(standards), dtype=int),
        own=tuple(range(len(standards))),
        contrasts=tuple((position[a], position[b]) for a, b in pairs if {a, b} <= set(position)),
        sparse=np.zeros(len(standards), dtype=bool),
        posterior=True,
        given=given,
    )


def averages_of(spells: Spells, spec: CohortSpec, coding: Coding) -> list[Averages]:
    """Groups to report; levels without customers are among the last ones, standardised to all customers."""
    groups = groups_of(spells, spec)
    requested = [("no", _own_mix(spells, groups))]
    request = standardised(spells, spec, None)
    if request is not None:
        requested.append(("standardised", request.standards))
    scored = request.scored if request is not None else None
    level, stratum = (x.ravel() for x in np.indices((len(spells.levels), len(spells.strata))))
    places = np.array([coding.strata.index(one) for one in strata_of(spells.strata)], dtype=int)
    levels = np.array([coding.levels.index(one) for one in spells.levels], dtype=int)
    absent = [k for k, one in enumerate(coding.levels) if one not in spells.levels]
    of_level, of_stratum = levels[level], places[stratum]
    first = next(s for s in requested[-1][1] if s.group == str(spells.levels[0]))
    unseen = []
    for k in absent:
        # the first level's own terms say which strata and entries there are
        curve = len(of_level) + stratum[first.curve]
        unseen.append(replace(first, group=str(coding.levels[k]), curve=curve, n=0, n_events=0))
        of_level = np.append(of_level, np.full(len(places), k))
        of_stratum = np.append(of_stratum, places)
    if scored is not None:
        added = np.repeat(len(spells.levels) + np.arange(len(absent)), len(places))
        scored = replace(
            scored,
            level=np.append(scored.level, added),
            stratum=np.append(scored.stratum, np.tile(np.arange(len(places)), len(absent))),
        )
    made = [
        _made(adjusted, standards, (level, of_level, of_stratum), spells, unseen if one == len(requested) - 1 else [])
        for one, (adjusted, standards) in enumerate(requested)
    ]  # fmt: skip
    return [replace(one, scored=scored) if one.adjusted != "no" else one for one in made]


def _made(
    adjusted: str,
    standards: Sequence[Standard],
    places: tuple[np.ndarray, np.ndarray, np.ndarray],
    spells: Spells,
    unseen: list[Standard],
) -> Averages:
    level, of_level, of_stratum = places
    last = last_with_ten(person_periods(spells), level, standards)
    latest = np.array([s.entry[s.weight > 0].max(initial=0) for s in standards], dtype=int)
    every = np.append(np.maximum(last - latest, 0), np.zeros(len(unseen), int))
    return Averages(adjusted, (*standards, *unseen), of_level, of_stratum, every)


def _own_mix(spells: Spells, groups: dict[str, Group]) -> tuple[Standard, ...]:
    """Each group over its own customers' strata and entries."""
    level, pair = spells.level[spells.pair], spells.level * len(spells.strata) + spells.stratum
    standards = []
    for group in groups.values():
        inside = np.isin(level, group.at)
        keys = np.column_stack([pair[spells.pair[inside]], spells.entry[inside]])
        terms, at = np.unique(keys, axis=0, return_inverse=True)
        total = np.bincount(at.ravel(), spells.n[inside])
        lost = int(spells.n[inside & (spells.cause > 0)].sum())
        n = int(total.sum())
        standards.append(Standard(group.name, terms[:, 0], terms[:, 1], total / n, n, lost))
    return tuple(standards)


def averaged(survival: DrawnSurvival, averages: Averages, times: np.ndarray, later: int = 0) -> np.ndarray:
    """Average survival over the customers of each group.

    Parameters
    ----------
    survival : DrawnSurvival
        Draws of curves.
    averages : Averages
        Groups.
    times : int ndarray of shape (n_times,)
        Whole periods, from 0 on.
    later : int
        Periods after the survey from which they count.

    Returns
    -------
    ndarray of shape (n_draws, n_groups, n_times)
        Σ w·S(e + later + t)/S(e + later), e each entry; w among those retained so long.
    """
    groups = mixtures(averages.standards)
    end = int(groups.entries.max()) + later + int(times[-1])
    curves = np.zeros((survival.n_draws, len(averages.standards), len(times)))
    step = max(1, _BLOCK // max(len(averages.level) * (end + 1), 1))
    for start in range(0, survival.n_draws, step):
        at = slice(start, start + step)
        fall = survival.log_survival(at, (averages.level, averages.stratum), np.arange(end + 1))
        log_s, weights = np.moveaxis(fall, 0, -1), None
        if later:
            retained = retained_shares(log_s, later)
            weights = retained_weights(averages.standards, averages.scored, retained)
        curves[at] = standardise(log_s, groups, times, weights, later)
    return curves
