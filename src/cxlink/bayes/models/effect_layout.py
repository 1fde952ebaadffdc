"""The columns of partially pooled effects, for rows of every cohort, level and stratum."""

import numpy as np

from cxlink.bayes.models.partial_pooling import EffectBlock, Effects
from cxlink.bayes.pooled_counts import Coding, zero_sum
from cxlink.bayes.priors import EFFECTS, Prior


def effects_of(coding: Coding, intercept: Prior, after: str = "", *, crossed: bool = True) -> Effects:
    """Lay out the score, strata and cohorts for rows in row-major order of (cohort, level, stratum).

    Parameters
    ----------
    coding : Coding
        Cohorts, levels and strata; a variable of one category has no effect.
    intercept : Prior
        Prior of the intercept; those of effects are `cxlink.bayes.priors.EFFECTS`.
    after : str
        Suffix of the names of standard deviations, to distinguish two predictors.
    crossed : bool
        Whether the score interacts with strata and with cohorts.
    """
    n_cohorts, n_levels, n_strata = coding.shape
    cohort, level, stratum = (x.ravel() for x in np.indices(coding.shape))
    of_cohort, of_level, of_stratum = (
        zero_sum(n)[at] for n, at in ((n_cohorts, cohort), (n_levels, level), (n_strata, stratum))
    )
    one = np.ones((len(level), 1))
    rising = coding.effect == "monotone" and n_levels > 1
    main, inside = ("slope", one) if rising else ("level", of_level)
    blocks: list[tuple[str, np.ndarray, bool]] = [("intercept", one, False), (main, inside, True)]
    if rising:
        blocks.append(("steps", np.zeros((len(level), n_levels - 2)), True))
    blocks += [("stratum", of_stratum, False), ("cohort", of_cohort, False)]
    if crossed:
        blocks.append((f"cohort_{main}", _crossed(of_cohort, inside), True))
        blocks.append((f"{main}_stratum", _crossed(inside, of_stratum), True))
    blocks = [(name, columns, score) for name, columns, score in blocks if columns.shape[1]]
    every = np.concatenate([columns for _, columns, _ in blocks], axis=1)
    of_score = np.concatenate([np.full(columns.shape[1], score) for _, columns, score in blocks])
    return Effects(
        blocks=tuple(
            EffectBlock(name, columns.shape[1], intercept if name == "intercept" else _prior(name, after))
            for name, columns, _ in blocks
        ),
        mean=intercept.centre,
        base=np.where(of_score, 0.0, every),
        score=np.where(of_score, every, 0.0),
        level=level,
        n_levels=n_levels,
        steps=zero_sum(n_levels - 1) if rising else None,
    )


def _crossed(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    crossed: np.ndarray = (a[:, :, None] * b[:, None, :]).reshape(len(a), -1)
    return crossed


def _prior(name: str, after: str) -> Prior:
    """Prior of an effect's coefficients, or of their standard deviation."""
    sd_name = f"spread_{name.replace('slope', 'level')}"
    return EFFECTS[name if name in EFFECTS else sd_name].called(after)
