"""The priors of a model, and what they imply for the retention curve and for mean spend."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.special import expit

from cxlink.bayes.draws.prior_draws import prior_predictive
from cxlink.bayes.models import hazard_posterior as bayes_hazard
from cxlink.bayes.models.hurdle_gamma import PARTS
from cxlink.bayes.models.pymc_models import hazard_model, renewal_model, spend_model
from cxlink.bayes.pooled_counts import BayesEffect, Coding, PooledPeriods, strata_of
from cxlink.bayes.priors import Prior
from cxlink.bayes.stacked_spend import StackedCells
from cxlink.cohort.count.spells import Spells
from cxlink.cohort.spec.cohort_spec import PERIODS_PER_YEAR, CohortSpec
from cxlink.estimands.tidy import interval, intervals

PRIOR = "prior"
_DRAWS = 500
_LEAST = -600.0  # of log S: what is left of nobody is nobody


def prior_table(
    priors: Iterable[Prior], model: str, of: str, coding: Coding, *, waning: bool = False
) -> pd.DataFrame:
    """Set the priors of a model out: ``model, of, quantity, distribution, centre, scale``.

    Parameters
    ----------
    priors : iterable of Prior
        Of every quantity that such a model can have.
    model : str
        ``bayes`` or ``bayes_sbg``.
    of : str
        ``retention`` or ``spend``.
    coding : Coding
        Its cohorts, levels and strata, and the effect of the score, which say what quantities it has.
    waning : bool
        Whether a difference that wanes was fitted too.
    """
    n_cohorts, n_levels, n_strata = coding.shape
    features = {"cohorts"} if n_cohorts > 1 else set[str]()
    features |= {"scores", coding.effect} if n_levels > 1 else set()
    features |= {"strata"} if n_strata > 1 else set()
    features |= {"waning"} if waning else set()
    return pd.DataFrame(
        [{"model": model, "of": of, "quantity": p.name, "distribution": p.distribution, "centre": p.centre,
          "scale": p.scale}
         for p in priors if features.issuperset(p.needs)]
    )  # fmt: skip


def prior_curve(
    pooled: PooledPeriods, spells: Spells, spec: CohortSpec, model: str, seed: int
) -> pd.DataFrame:
    """Draw retention of all customers from the priors: what the model thinks likely before it has seen a loss.

    Parameters
    ----------
    pooled : PooledPeriods
        Its cohorts, levels, strata and periods alone.
    spells : Spells
        Of the cohort that is reported: who its customers are.
    spec : CohortSpec
        Unit and level.
    model : str
        ``bayes`` or ``bayes_sbg``.
    seed : int
        Of the draws.

    Returns
    -------
    DataFrame
        As `posterior.curve_frames` gives them, of scenario ``prior`` and group ``all``, to the end of follow-up.
    """
    hazard = model == bayes_hazard.MODEL
    written = hazard_model(pooled, PERIODS_PER_YEAR[spec.unit]) if hazard else renewal_model(pooled)
    drawn = prior_predictive(written, _DRAWS, seed)["log_survival"].to_numpy()[0, :, -1]
    whole = np.concatenate([np.zeros_like(drawn[..., :1]), np.maximum(drawn, _LEAST)], axis=-1)
    survival = _since_entry(whole, pooled, spells)
    ends = intervals(survival, spec.analysis.level)
    return pd.DataFrame({
        "model": model, "adjusted": "no", "scenario": PRIOR, "group": "all", "time": np.arange(survival.shape[1]),
        "estimate": survival.mean(axis=0), "conf_low": ends[1], "conf_high": ends[2],
    })  # fmt: skip


def _since_entry(log_survival: np.ndarray, pooled: PooledPeriods, spells: Spells) -> np.ndarray:
    """Average S(e + h)/S(e) over customers who entered after e periods, (n_draws, n_times), from h = 0 on.

    Where e + h is beyond the last period they are left out. log S is by level, stratum and t from 0.
    """
    places = np.array([pooled.coding.strata.index(one) for one in strata_of(spells.strata)], dtype=int)
    levels = np.array([pooled.coding.levels.index(one) for one in spells.levels], dtype=int)
    total, n = np.zeros((len(log_survival), log_survival.shape[-1])), np.zeros(log_survival.shape[-1])
    for entry in np.unique(spells.entry):
        mine = spells.entry == entry
        customers = np.bincount(spells.pair[mine], spells.n[mine], spells.n_pairs)
        kept = log_survival[:, levels[spells.level], places[spells.stratum], entry:]
        reached = kept.shape[-1]
        total[:, :reached] += np.einsum("dpt,p->dt", np.exp(kept - kept[..., :1]), customers)
        n[:reached] += customers.sum()
    shown: np.ndarray = total[:, n > 0] / n[n > 0]
    return shown


def prior_of_spend(stack: StackedCells, effect: BayesEffect, spec: CohortSpec, seed: int) -> pd.DataFrame:
    """Draw mean spend of a level, any of them: ``scenario, group, estimate, conf_low, conf_high, unit`` of the prior.

    All it knows of the counts is the mean of all who spent, which is the unit. The estimate is the median, since the
    mean of so wide a distribution says little.
    """
    tables = prior_predictive(spend_model(stack, effect), _DRAWS, seed)
    share, amount = (tables[part].to_numpy()[0, :, -1] for part in PARTS)
    drawn = stack.unit * (expit(share) * np.exp(amount)).mean(axis=2).ravel()
    _, low, high = interval(drawn, spec.analysis.level)
    unit = spec.spend.currency if spec.spend else ""
    shown = {
        "scenario": PRIOR,
        "group": "all",
        "estimate": np.median(drawn),
        "conf_low": low,
        "conf_high": high,
    }
    return pd.DataFrame([{**shown, "unit": unit}])
