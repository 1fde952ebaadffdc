"""Truths drawn from the priors of the Bayesian models, cohorts drawn from them, and the ranks among their posteriors.

Two cohorts of four levels and three strata, twenty customers in each: one followed for six quarters, and one for
three. The truths come from the models as PyMC writes them (`cxlink.bayes.models.pymc_models`), the posteriors from the
densities in arrays that `cxlink fit` samples. No draw is left out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from cxlink.bayes.draws.posterior_curves import fitted, survival_of
from cxlink.bayes.draws.prior_draws import prior_predictive
from cxlink.bayes.draws.sampling import Posterior
from cxlink.bayes.models.pymc_models import hazard_model, renewal_model, spend_model
from cxlink.bayes.models.spend_posterior import sample_spend
from cxlink.bayes.pooled_counts import BayesEffect, Coding, PooledPeriods
from cxlink.bayes.priors import POLARISATION
from cxlink.bayes.stacked_spend import StackedCells
from validation.ranks import rank_of

CUSTOMERS = 20
PER_YEAR = 4
FOLLOW_UP = (6, 3)
HORIZONS = (4, 8)
"""A year, and two: the second lies beyond what either cohort was followed."""
SAMPLING: dict[str, Any] = {"draws": 400, "tune": 300, "chains": 2, "cores": 1}
Tables = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Kind:
    """A model and its effect of the score.

    Attributes
    ----------
    name : str
        Of the kind, for files.
    model : {"bayes", "bayes_sbg", "spend"}
        Which.
    effect : {"levels", "monotone"}
        Of the score.
    waning : bool
        Whether it wanes.
    about : str
        A phrase.
    """

    name: str
    model: str
    effect: BayesEffect
    waning: bool
    about: str

    @property
    def coding(self) -> Coding:
        """Levels, strata and cohorts."""
        strata = tuple((("stratum.plan", plan),) for plan in ("a", "b", "c"))
        return Coding((1, 2, 3, 4), strata, ("older", "younger"), self.effect)


KINDS = {
    kind.name: kind
    for kind in (
        Kind("bayes_levels", "bayes", "levels", False, "`bayes` retention, free levels"),
        Kind("bayes_monotone", "bayes", "monotone", False, "`bayes` retention, monotone"),
        Kind("bayes_waning", "bayes", "levels", True, "`bayes` retention, free levels whose effect wanes"),
        Kind("bayes_sbg", "bayes_sbg", "levels", False, "`bayes_sbg` retention, free levels"),
        Kind("spend", "spend", "levels", False, "`bayes` spend, free levels"),
    )
}


def simulated(kind: Kind, n: int, rng: np.random.Generator) -> Iterator[dict[str, int]]:
    """Draw truths, cohorts and posteriors.

    Parameters
    ----------
    kind : Kind
        Which model.
    n : int
        How many.
    rng : Generator
        Advanced.

    Yields
    ------
    dict of str to int
        Rank of each quantity's truth, from 0 to `ranks.DRAWS`.
    """
    pairs = spend_pairs(kind, n, rng) if kind.model == "spend" else retention_pairs(kind, n, rng)
    for truth, draws in pairs:
        yield {name: rank_of(float(value[0]), draws[name]) for name, value in truth.items()}


def retention_pairs(kind: Kind, n: int, rng: np.random.Generator) -> Iterator[tuple[Tables, Tables]]:
    """Quantities of the truth, of shape (1,), and of the posterior, (n_draws,)."""
    nobody = np.zeros((*kind.coding.shape, max(FOLLOW_UP)))
    grid = PooledPeriods(kind.coding, nobody + CUSTOMERS, nobody)
    model = hazard_model(grid, PER_YEAR, waning=kind.waning) if kind.model == "bayes" else renewal_model(grid)
    prior = prior_predictive(model, n, int(rng.integers(2**31)))
    for at in range(n):
        tables = {str(name): prior[name].to_numpy()[0, at : at + 1] for name in prior.data_vars}
        pooled = drawn_periods(kind.coding, tables["log_survival"][0], rng)
        posterior = fitted(
            pooled, kind.model, PER_YEAR, seed=int(rng.integers(2**31)), waning=kind.waning, **SAMPLING
        )
        sampled = {str(name): posterior.draws(str(name)) for name in posterior.tree["posterior"].data_vars}
        yield (
            retention_quantities(tables, kept_truly(tables, rng)),
            retention_quantities(sampled, _kept(posterior, rng)),
        )


def drawn_periods(coding: Coding, log_survival: np.ndarray, rng: np.random.Generator) -> PooledPeriods:
    """Lose customers as the truth has it: log_survival of shape (n_cohorts, n_levels, n_strata, n_periods)."""
    hazard = -np.expm1(np.diff(log_survival, axis=-1, prepend=0.0))
    lost, at_risk = np.zeros(hazard.shape), np.zeros(hazard.shape)
    for cohort, followed in enumerate(FOLLOW_UP):
        left = np.full(hazard.shape[1:3], CUSTOMERS)
        for period in range(followed):
            at_risk[cohort, ..., period] = left
            gone = rng.binomial(left, hazard[cohort, ..., period])
            lost[cohort, ..., period] = gone
            left = left - gone
    return PooledPeriods(coding, at_risk, lost)


def kept_truly(tables: Tables, rng: np.random.Generator) -> np.ndarray:
    """Retention of the younger cohort at the horizons, strata averaged, (n_draws, n_levels, n_horizons).

    Written out from the models' equations, apart from what the estimates are made with.
    """
    base, score = tables["baseline"][:, -1, None, :, None], tables["score"][:, -1, ..., None]
    later = np.arange(max(HORIZONS))
    if "walk" in tables:
        path, spread = tables["walk"], tables["spread_walk"][:, None]
        steps = spread * rng.standard_normal((len(path), len(later) - path.shape[1]))
        path = np.hstack([path, path[:, -1:] + np.cumsum(steps, axis=1)])[:, None, None]
        left = np.ones(len(later))
        if "log_half_life" in tables:
            left = 0.5 ** (later / np.exp(tables["log_half_life"])[:, None, None, None])
        log_kept = -np.exp(path + base + score * left)
    else:
        end = POLARISATION
        shape = tables[f"baseline{end}"][:, -1, None, :, None] + tables[f"score{end}"][:, -1, ..., None]
        log_kept = np.log1p(-expit(base + score) / (1 + later * np.exp(shape)))
    kept: np.ndarray = np.exp(np.cumsum(log_kept, axis=-1)).mean(axis=2)[..., np.array(HORIZONS) - 1]
    return kept


def _kept(posterior: Posterior, rng: np.random.Generator) -> np.ndarray:
    """The same of the posterior, as the estimates are made."""
    n_levels, n_strata = posterior.tree["posterior"]["score"].shape[-2:]
    curves = survival_of(posterior, max(HORIZONS), rng)
    pairs = tuple(at.ravel() for at in np.indices((n_levels, n_strata)))
    log_s = curves.log_survival(slice(None), (pairs[0], pairs[1]), np.array(HORIZONS))
    kept: np.ndarray = np.exp(log_s).reshape(-1, n_levels, n_strata, len(HORIZONS)).mean(axis=2)
    return kept


def retention_quantities(tables: Tables, kept: np.ndarray) -> dict[str, np.ndarray]:
    """What is ranked: (n_draws,) each."""
    shown = {"intercept": tables["baseline"].mean(axis=(1, 2))}
    if "walk" not in tables:
        shown["polarisation"] = tables[f"baseline{POLARISATION}"].mean(axis=(1, 2))
    shown |= _spreads(tables)
    if "log_half_life" in tables:
        shown["half_life"] = tables["log_half_life"]
    if "position" in tables:
        score = tables["score"].mean(axis=(1, 3))
        shown["slope"] = score[:, -1] - score[:, 0]
        shown["first_step"] = tables["position"][:, 1] - tables["position"][:, 0]
    for h, horizon in enumerate(HORIZONS):
        worst, best = kept[:, 0, h], kept[:, -1, h]
        shown |= {
            f"retention_worst_{horizon}": worst, f"retention_best_{horizon}": best,
            f"difference_{horizon}": best - worst,
        }  # fmt: skip
    return shown


def _spreads(tables: Tables) -> dict[str, np.ndarray]:
    """In the order of their names: PyMC's differs from run to run."""
    return {name: tables[name] for name in sorted(tables) if name.startswith("spread_")}


def spend_pairs(kind: Kind, n: int, rng: np.random.Generator) -> Iterator[tuple[Tables, Tables]]:
    """Give what `retention_pairs` gives, of spend; amounts are in the prior's own unit."""
    empty = _stack(kind.coding, *(np.zeros(int(np.prod(kind.coding.shape))) for _ in range(4)))
    prior = prior_predictive(spend_model(empty, kind.effect), n, int(rng.integers(2**31)))
    for at in range(n):
        tables = {str(name): prior[name].to_numpy()[0, at : at + 1] for name in prior.data_vars}
        stack = drawn_cells(kind.coding, tables, rng)
        posterior = sample_spend(stack, kind.effect, seed=int(rng.integers(2**31)), **SAMPLING)
        sampled = {str(name): posterior.draws(str(name)) for name in posterior.tree["posterior"].data_vars}
        yield spend_quantities(tables), spend_quantities(sampled)


def drawn_cells(coding: Coding, tables: Tables, rng: np.random.Generator) -> StackedCells:
    """Spend of each customer, summed in cells; tables as the PyMC model names them, of one draw."""
    share, log_mean = tables["share"][0].ravel(), tables["amount"][0].ravel()
    shape = np.broadcast_to(tables["shape"][0][:, None], coding.shape).ravel()
    positive = rng.binomial(CUSTOMERS, expit(share))
    of = np.repeat(np.arange(len(positive)), positive)
    # a gamma of shape k is one of k + 1 times U^(1/k), whose logarithm stays finite for any k
    k = shape[of]
    log_y = np.log(rng.gamma(k + 1)) + np.log(rng.uniform(size=len(k))) / k + log_mean[of] - np.log(k)
    total, squares, log_total = (
        np.bincount(of, w, len(positive)) for w in (np.exp(log_y), np.exp(2 * log_y), log_y)
    )
    return _stack(coding, positive.astype(float), total, squares, log_total)


def _stack(
    coding: Coding, positive: np.ndarray, total: np.ndarray, squares: np.ndarray, log_total: np.ndarray
) -> StackedCells:
    cohort, level, stratum = (at.ravel() for at in np.indices(coding.shape))
    n = np.full(len(cohort), float(CUSTOMERS))
    return StackedCells(coding, cohort, level, stratum, n, positive, total, squares, log_total, 1.0)


def spend_quantities(tables: Tables) -> dict[str, np.ndarray]:
    """What is ranked: (n_draws,) each."""
    mean = (expit(tables["share"]) * np.exp(tables["amount"]))[:, -1].mean(axis=-1)
    return {
        "intercept_share": tables["share"].mean(axis=(1, 2, 3)),
        "intercept_amount": tables["amount"].mean(axis=(1, 2, 3)),
        "intercept_shape": np.log(tables["shape"]).mean(axis=1),
        **_spreads(tables),
        "spend_worst": mean[:, 0], "spend_best": mean[:, -1], "ratio": mean[:, -1] / mean[:, 0],
    }  # fmt: skip
