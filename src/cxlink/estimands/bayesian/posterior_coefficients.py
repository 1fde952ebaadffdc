"""Effects of the Bayesian models, as rows of ``coefficients.csv``: posterior mean, standard deviation and interval."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from cxlink.bayes.draws.sampling import Posterior
from cxlink.bayes.pooled_counts import coding_from, strata_of
from cxlink.bayes.priors import POLARISATION
from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import Spells
from cxlink.cohort.strata import stratum_variables
from cxlink.estimands.model_rows.coefficients import coefficient_row, customers_by, scored_customers
from cxlink.estimands.tidy import interval
from cxlink.estimation.design_terms import SCORE, DesignTerm, level_terms
from cxlink.estimation.term_support import buckets_of_weights
from cxlink.spend.spend_cells import spend_cells

Row = dict[str, Any]


def posterior_coefficients(posterior: Posterior, counts: Counts, spells: Spells) -> list[Row]:
    """Effects of the score, of strata and of both, in the cohort that is reported.

    Of a linear predictor η by level l and stratum g, with 0 the first of each that has customers and a bar the plain
    average over those that have: a level has η̄_l· − η̄_0·, a stratum η̄_·g − η̄_·0, and both together
    η_lg − η_0g − η_l0 + η_00. ``part`` is empty for the hazard; for shifted beta geometric retention ``churn``, and
    ``polarisation``; for spend ``any_spend`` and ``amount``.

    Parameters
    ----------
    posterior : Posterior
        Of hazards, of shifted beta geometric retention, or of spend.
    counts : Counts
        Of the cohort that is reported, the last one of the posterior.
    spells : Spells
        Its customers by level and stratum.

    Returns
    -------
    list of dict
        Rows of `cxlink.estimands.model_rows.coefficients.coefficient_table`.
    """
    spec, coding = counts.spec, coding_from(posterior.about["coding"])
    known = [level for level in spells.levels if level in coding.levels]
    here = [one for one in strata_of(spells.strata) if one in coding.strata]
    scores, places = level_terms(SCORE, known, 0), _stratum_terms(spells, [dict(one) for one in here])
    terms = [*scores, *places, *(score.crossed(place) for score in scores for place in places)]
    levels, strata = [coding.levels.index(one) for one in known], [coding.strata.index(one) for one in here]
    level = spec.analysis.level
    rows: list[Row] = []
    freedom = _freedom(spells, known, [strata_of(spells.strata).index(one) for one in here])
    for part, scale, predictor in _predictors(posterior):
        customers = _customers(counts, spells, part)
        adjusted = "interacting" if places else "no"
        labels = {"model": posterior.name, "adjusted": adjusted, "part": part, "scale": scale}
        effects = _effects(predictor[:, -1][:, levels][:, :, strata])
        for term, draws, own in zip(terms, effects.T, freedom, strict=True):
            ends = np.array([draws.mean(), *interval(draws, level)])
            rows.append(coefficient_row(labels, term, ends, level, customers, freedom=float(own)))
    return rows


def _freedom(spells: Spells, levels: list[int], strata: list[int]) -> np.ndarray:
    """Effective buckets of the customers that each effect compares, (n_terms,); infinite without clusters."""
    n_effects = len(levels) * len(strata) - 1
    if spells.buckets is None:
        return np.full(n_effects, np.inf)
    n = np.bincount(spells.pair, spells.n, spells.n_pairs)
    of_level = (spells.level[:, None] == [spells.levels.index(one) for one in levels]).astype(float)
    of_stratum = (spells.stratum[:, None] == strata).astype(float)
    of_both = of_level[:, :, None] * of_stratum[:, None, :]
    a, b, c = (one / np.maximum(np.tensordot(n, one, 1), 1.0) for one in (of_level, of_stratum, of_both))
    crossed = c - c[:, :1] - c[:, :, :1] + c[:, :1, :1]
    weight = np.hstack([a[:, 1:] - a[:, :1], b[:, 1:] - b[:, :1], crossed[:, 1:, 1:].reshape(len(n), -1)])
    each = spells.buckets
    size = np.asarray(each.customers.sum(axis=0), dtype=float).ravel()
    return buckets_of_weights(weight, csr_array((size, (each.pair, each.bucket)), shape=(len(n), BUCKETS)))


def _stratum_terms(spells: Spells, strata: list[dict[str, str]]) -> list[DesignTerm]:
    """Strata against the first, named as those of families are."""
    columns = [str(column) for column in spells.strata.columns]
    values = [tuple(one[column] for column in columns) for one in strata]
    return [DesignTerm(stratum_variables(columns), value, values[0]) for value in values[1:]]


def _customers(counts: Counts, spells: Spells, part: str) -> pd.DataFrame:
    """Customers that a part is about: with a complete window, those who spent, or all with a score."""
    if part not in ("any_spend", "amount"):
        return scored_customers(spells)
    cells = spend_cells(counts, spells)
    n = cells.n if part == "any_spend" else cells.positive
    return customers_by(cells.levels, cells.strata, (cells.level, cells.stratum), n)


def _predictors(posterior: Posterior) -> list[tuple[str, str, np.ndarray]]:
    """Part, scale, and linear predictor of each draw by cohort, level and stratum."""
    if posterior.about.get("outcome") == "spend":
        return [
            ("any_spend", "log_odds_ratio", posterior.draws("share")),
            ("amount", "log_mean_ratio", posterior.draws("amount")),
        ]
    kept = set(posterior.tree["posterior"].data_vars)
    if f"score{POLARISATION}" not in kept:
        return [("", "log_hazard_ratio", _whole(posterior, ""))]
    return [
        ("churn", "log_odds_ratio", _whole(posterior, "")),
        ("polarisation", "log_odds_ratio", _whole(posterior, POLARISATION)),
    ]


def _whole(posterior: Posterior, after: str) -> np.ndarray:
    whole: np.ndarray = posterior.draws(f"baseline{after}")[:, :, None] + posterior.draws(f"score{after}")
    return whole


def _effects(eta: np.ndarray) -> np.ndarray:
    """Effects of levels, of strata and of both, (n_draws, n_terms), of predictors (n_draws, n_levels, n_strata)."""
    by_level, by_stratum = eta.mean(axis=2), eta.mean(axis=1)
    both = eta - eta[:, :1] - eta[:, :, :1] + eta[:, :1, :1]
    crossed = both[:, 1:, 1:].reshape(len(eta), -1)
    return np.hstack([by_level[:, 1:] - by_level[:, :1], by_stratum[:, 1:] - by_stratum[:, :1], crossed])
