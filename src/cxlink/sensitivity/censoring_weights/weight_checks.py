"""What is looked at of weights for censoring: how far other scores tell who is censored, and what weighting costs."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.stats import norm

from cxlink.checks import Check, Fact
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.support_checks import LEAST_SUPPORT, until
from cxlink.groups.curves import Standard
from cxlink.groups.requests import Request
from cxlink.sensitivity.censoring_weights.censoring_fit import CensoringFit
from cxlink.sensitivity.censoring_weights.follow_up_arrays import FollowUpArrays
from cxlink.sensitivity.censoring_weights.weighted_retention import MOST_WEIGHT, CensoringWeights
from cxlink.survival.sparsity import FEWEST, pairs_of

MODEL = "kaplan_meier"


def unweighted(case: str) -> Check:
    """Say why retention is not weighted for censoring.

    Parameters
    ----------
    case : str
        ``clustered``, ``missing``, ``horizon``, ``after_outcome``, ``too_many``, ``same``.
    """
    return Check("censoring_unweighted", MODEL, facts={"case": case})


def weight_checks(
    weights: CensoringWeights, request: Request, sides: Sequence[Standard], spec: CohortSpec
) -> Iterator[Check]:
    """Customers that those of each side count for, with the largest weight; and how many can be stood for at all.

    Each customer counts with the weight of the last period in follow-up: (Σw)² / Σw² (Kish 1965). Who gave an other
    score that nobody followed to the horizon gave, though not all who gave it were lost, is stood for by nobody.
    """
    for side in sides:
        inside = np.isin(weights.arrays.pair, pairs_of(request, side))
        own = inside[weights.arrays.kind]
        kind, n = weights.arrays.kind[own], weights.arrays.n[own]
        place = kind, weights.arrays.exit[own] - 1
        weight, largest = weights.weight[place], float(weights.unbounded[place].max())
        facts: dict[str, Fact] = {
            "customers": round(float(n.sum())), "largest": largest,
            "truncated": float(n[weights.unbounded[place] > MOST_WEIGHT].sum() / n.sum()), **until(spec),
        }  # fmt: skip
        effective = float((n * weight).sum() ** 2 / (n * weight**2).sum())
        yield Check(
            "censoring_weights", MODEL, side.group, effective, bound=MOST_WEIGHT, passed=largest <= MOST_WEIGHT,
            facts=facts,
        )  # fmt: skip
        share = _stood_for(weights.arrays, inside, spec.horizon)
        yield Check(
            "censoring_support", MODEL, side.group, share, bound=LEAST_SUPPORT, passed=share >= LEAST_SUPPORT,
            facts=until(spec),
        )  # fmt: skip


def _stood_for(arrays: FollowUpArrays, inside: np.ndarray, horizon: int) -> float:
    """Share of a side's customers none of whose other scores lacks somebody followed to the horizon."""
    own = inside[arrays.kind]
    kind, n = arrays.kind[own], arrays.n[own]
    outlasts = arrays.exit[own] - arrays.entry[kind] >= horizon
    alone = np.zeros(len(n), bool)
    for score in arrays.scores:
        code = score.code[arrays.combination[kind]]
        followed, early = (
            np.bincount(code, n * which, len(score.levels))
            for which in (outlasts, ~outlasts & ~arrays.lost[own])
        )
        alone |= ((followed == 0) & (early > 0))[code]
    return float(n[~alone].sum() / n.sum())


def score_checks(arrays: FollowUpArrays, fit: CensoringFit, spec: CohortSpec) -> Iterator[Check]:
    """Hazard ratios of censoring by other scores: per point towards better, and of who did not give the score.

    The slope of the log hazard ratios of its levels on their points, by customers; nothing of a score whose levels
    cannot be told from level, stratum and the scores before it.
    """
    n = np.bincount(arrays.combination[arrays.kind], arrays.n, arrays.n_combinations)
    least = max(FEWEST, spec.publish.smallest_cell)
    for j, score in enumerate(arrays.scores):
        size = np.bincount(score.code, n, len(score.levels))
        at = {level: k for k, (one, level) in enumerate(fit.terms) if one == j}
        if len(at) < len(size) - 1:
            continue
        given = ~np.isnan(score.levels)
        upward = 1 if spec.others[score.name].higher_is_better else -1
        points, share = upward * score.levels[given], size[given] / size[given].sum()
        off = points - share @ points
        if off.any():
            yield _ratio(fit, at, _spread(share * off / (share @ off**2), given), (score.name, "point"), spec)
        if not given.all() and given.any() and size[~given].sum() >= least:
            against = _spread(-share, given)
            against[~given] = 1.0
            yield _ratio(fit, at, against, (score.name, "not_given"), spec)


def _spread(values: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Values over all levels, 0 of who did not give the score."""
    full = np.zeros(len(given))
    full[given] = values
    return full


def _ratio(
    fit: CensoringFit, at: dict[int, int], over_levels: np.ndarray, name: tuple[str, str], spec: CohortSpec
) -> Check:
    """The ratio of a contrast of one score's levels, with its interval."""
    contrast = np.zeros(len(fit.beta))
    for level, place in at.items():
        contrast[place] = over_levels[level]
    value = float(contrast @ fit.beta)
    reach = float(norm.ppf((1 + spec.analysis.level) / 2) * np.sqrt(contrast @ fit.covariance @ contrast))
    facts: dict[str, Fact] = {"score": name[0], "case": name[1], **until(spec)}
    low, high = np.exp([value - reach, value + reach]).tolist()
    return Check("censoring_score", MODEL, "all", float(np.exp(value)), low, high, facts=facts)
