"""What the priors say before any count: of the retention curve and of mean spend, and each with its reason."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from cxlink.cohort.spec import PERIODS_PER_YEAR, CohortSpec
from cxlink.cohort.spells import Spells
from cxlink.estimates.table import intervals
from cxlink.models import bayes_hazard
from cxlink.models.bayes_coding import BayesEffect, PooledPeriods, Prior, strata_of
from cxlink.models.bayes_models import hazard_model, renewal_model
from cxlink.models.bayes_spend import prior_spend
from cxlink.models.bayes_spend_cells import StackedCells
from cxlink.models.sampling import prior_predictive

PRIOR = "prior"
_DRAWS = 500


def prior_table(priors: Iterable[Prior], model: str, of: str) -> pd.DataFrame:
    """Set priors out: ``model, of, quantity, law, scale, reason``."""
    return pd.DataFrame(
        [{"model": model, "of": of, "quantity": p.name, "law": p.law, "scale": p.scale, "reason": p.reason}
         for p in priors]
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
        As `posterior.curve_frames` gives them, of scenario ``prior`` and group ``all``, to the end of follow-up from
        the first period of the clock on.
    """
    hazard = model == bayes_hazard.MODEL
    written = hazard_model(pooled, PERIODS_PER_YEAR[spec.unit]) if hazard else renewal_model(pooled)
    drawn = np.exp(prior_predictive(written, _DRAWS, seed)["log_survival"].to_numpy()[0, :, -1])
    weight = np.zeros(drawn.shape[1:3])
    places = np.array([pooled.coding.strata.index(one) for one in strata_of(spells.strata)], dtype=int)
    levels = np.array([pooled.coding.levels.index(one) for one in spells.levels], dtype=int)
    pair = (levels[spells.level], places[spells.stratum])
    np.add.at(weight, pair, np.bincount(spells.pair, spells.n, minlength=spells.n_pairs))
    survival = np.einsum("dlst,ls->dt", drawn, weight / weight.sum())
    survival = np.column_stack([np.ones(len(survival)), survival])
    ends = intervals(survival, spec.analysis.level)
    return pd.DataFrame({
        "model": model, "adjusted": "no", "scenario": PRIOR, "group": "all", "time": np.arange(survival.shape[1]),
        "estimate": survival.mean(axis=0), "conf_low": ends[1], "conf_high": ends[2],
    })  # fmt: skip


def prior_of_spend(
    stack: StackedCells, effect: BayesEffect, spec: CohortSpec, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw mean spend of a level from the priors: ``scenario, group, estimate, conf_low, conf_high, unit``.

    The estimate is the median, since the mean of so wide a law says little.
    """
    levels = prior_spend(stack, effect, _DRAWS, rng)[:, -1].mean(axis=2)
    ends = intervals(levels, spec.analysis.level)
    return pd.DataFrame({
        "scenario": PRIOR, "group": [str(level) for level in stack.coding.levels],
        "estimate": np.median(levels, axis=0), "conf_low": ends[1], "conf_high": ends[2],
        "unit": spec.spend.currency if spec.spend else "",
    })  # fmt: skip
