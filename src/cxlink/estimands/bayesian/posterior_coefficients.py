"""Effects of the Bayesian models, as rows of ``coefficients.csv``: posterior mean, standard deviation and interval."""

from typing import Any

import numpy as np
import pandas as pd

from cxlink.bayes.draws.sampling import Posterior
from cxlink.bayes.pooled_counts import coding_from, strata_of
from cxlink.bayes.priors import POLARISATION
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import Spells
from cxlink.cohort.strata import stratum_variables
from cxlink.estimands.model_rows.coefficients import coefficient_row, customers_by, scored_customers
from cxlink.estimands.tidy import interval
from cxlink.estimation.design_terms import SCORE, DesignTerm, level_terms
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
    for part, scale, predictor in _predictors(posterior):
        customers = _customers(counts, spells, part)
        adjusted = "interacting" if places else "no"
        labels = {"model": posterior.name, "adjusted": adjusted, "part": part, "scale": scale}
        effects = _effects(predictor[:, -1][:, levels][:, :, strata])
        for term, draws in zip(terms, effects.T, strict=True):
            ends = np.array([draws.mean(), *interval(draws, level)])
            rows.append(coefficient_row(labels, term, ends, level, customers))
    return rows


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
