"""Trials of customers in accounts, of fewer cohorts than a proof has: posteriors, and several scores.

``python -m validation.account_trials posteriors`` and ``python -m validation.account_trials scores`` print mean
standard errors over the deviation of the estimates, and coverage, with accounts and as if customers were independent.
"""

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import betaincinv, expit
from scipy.stats import norm

from cxlink.bayes.draws.posterior_averages import averaged, averages_of
from cxlink.bayes.draws.posterior_curves import survival_of
from cxlink.bayes.draws.sampling import LogDensity, Posterior
from cxlink.bayes.models import hazard_posterior, sbg_posterior
from cxlink.bayes.models.density import conditioned, density_of
from cxlink.bayes.models.posterior_mode import Hierarchy, mode_of
from cxlink.bayes.pooled_counts import PooledPeriods, pool
from cxlink.bayes.rescaling.rescaled_draws import rescaled_retention
from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.driver_cells import driver_table
from cxlink.cohort.count.outcome_states import RETAINED
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.count.spells import person_periods, spells_of
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec
from cxlink.estimands.over_clusters.clustered_rows import clustering
from cxlink.estimands.tidy import interval as ends_of
from cxlink.estimands.tidy import ready_row
from cxlink.metrics.drivers.driver_frame import driver_frame
from cxlink.metrics.drivers.driver_rows import drivers_of
from validation.account_law import HORIZON, ICC, account_laws, drawn_counts, truths

SEED, DRAWS, COHORTS = 1, 1_000, 60
SCORE_SEED, LARGE = 7, 3_000_000
POSTERIORS = (("by_account", 3_000, "bayes"), ("by_account", 3_000, "bayes_sbg"), ("zipf", 3_000, "bayes"),
              ("by_account", 800, "bayes"), ("inside", 3_000, "bayes"))  # fmt: skip
"""Law, customers and model of each trial of posteriors."""
SCORES = (("by_account", 0.5), ("by_account", 1.0), ("zipf", 0.5))
"""Sizes of accounts, and the share of the scores' variance between accounts, of each trial of several scores."""
LEVELS = {"score": 10, "csat": 5, "helpdesk": 7}
"""Of each score, the one that acts first."""
_ALIKE, _ACTS = 0.6, 0.25
_LOST = 6


def posterior_rows(law: str, customers: int, model: str, cohorts: int = COHORTS) -> Iterator[dict[str, Any]]:
    """Retention of each level and its difference from the worst, with truth: as sampled, and rescaled.

    Draws are normal about the mode of the posterior, standard deviations of effects at theirs.
    """
    for k in range(cohorts):
        counts = drawn_counts(account_laws()[law], customers, np.random.default_rng([SEED, k]))
        spells, known = spells_of(counts), truths(counts)
        pooled = pool({"a": person_periods(spells)}, levels=counts.spec.scale.levels)
        drawn = normal_posterior(pooled, model, np.random.default_rng(k))
        average = averages_of(spells, counts.spec, pooled.coding)[-1]
        over = clustering(counts)
        assert over is not None
        for how, one in (("independent", drawn), ("accounts", rescaled_retention(drawn, pooled))):
            curves = survival_of(one, HORIZON, np.random.default_rng(1))
            retained = averaged(curves, average, np.array([0, HORIZON]))[..., 1]
            at = {standard.group: retained[:, g] for g, standard in enumerate(average.standards)}
            rows = [_row(key, at, model) for key in known if key[0] in ("retention", "retention_difference")]
            rows = over.rows(rows) if how == "accounts" else rows
            for row in rows:
                key = (row["estimand"], row["group"], row["reference"])
                yield {**row, "quantity": row["estimand"], "how": how, "truth": known[key]}


def _row(key: tuple[str, str, str], at: dict[str, np.ndarray], model: str) -> dict[str, Any]:
    estimand, group, reference = key
    draws = at[group] - at[reference] if reference else at[group]
    columns = {"model": model, "group": group, "reference": reference, "adjusted": "standardised"}
    return ready_row(estimand, float(draws.mean()), ends_of(draws, 0.95), 0.95, "probability", **columns)


def normal_posterior(pooled: PooledPeriods, model: str, rng: np.random.Generator) -> Posterior:
    """Draw from the normal distribution about the mode of a posterior of retention."""
    import xarray as xr

    likelihood: Hierarchy = (
        hazard_posterior.hazard_likelihood(pooled, 12)
        if model == hazard_posterior.MODEL
        else sbg_posterior.renewal_likelihood(pooled)
    )
    density: LogDensity = density_of(conditioned(likelihood))
    fixed = mode_of(likelihood).log_sd
    z = rng.standard_normal((DRAWS, density.size - len(fixed)))
    every = [density.expand(np.concatenate([fixed, one])) for one in z]
    data = {
        name: (
            ("chain", "draw", *(f"{name}_{k}" for k in range(len(shape)))),
            np.array([[x[name] for x in every]]),
        )
        for name, shape in density.shapes.items()
    }
    about = {"coding": pooled.coding.as_dict(), "per_year": 12}
    return Posterior(model, xr.DataTree.from_dict({"posterior": xr.Dataset(data)}), about)


def score_rows(
    law: str, between: float, customers: int = 20_000, cohorts: int = 40, large: int = LARGE
) -> Iterator[dict[str, Any]]:
    """Contrasts per point and Shapley values of three scores, of which one acts; those of nulls have the truth 0.

    Parameters
    ----------
    law : str
        Of the sizes of accounts, see `account_laws`.
    between : float
        Share of the variance of the scores between accounts.
    customers, cohorts : int
        Of each cohort; of them.
    large : int
        Customers of whom the limits are taken, in accounts of 1 to 6.
    """
    limit = _found(score_counts("by_account", between, large, np.random.default_rng(99), clustered=False), 0)
    for k in range(cohorts):
        for how in ("independent", "accounts"):
            rng = np.random.default_rng([SCORE_SEED, k])
            for key, row in _found(
                score_counts(law, between, customers, rng, clustered=how == "accounts"), k
            ).items():
                null = key[1] == "contrast" and key[2] != "score"
                yield {
                    **row,
                    "how": how,
                    "truth": 0.0 if null else limit[key]["estimate"],
                    "group": row["score"],
                }


def _found(counts: Counts, seed: int) -> dict[tuple[str, str, str], dict[str, Any]]:
    frame = driver_frame(drivers_of(counts, np.random.default_rng(seed)).table, counts.spec)
    rows = frame[frame["quantity"].isin(["contrast", "shapley"])].to_dict("records")
    return {(row["outcome"], row["quantity"], row["score"]): row for row in rows}  # type: ignore[misc]


def score_counts(
    law: str, between: float, customers: int, rng: np.random.Generator, *, clustered: bool
) -> Counts:
    """Draw customers in accounts with three scores; what they do is alike within accounts by `account_law.ICC`."""
    sizes = account_laws()[law].sizes
    members = np.arange(1, len(sizes) + 1)
    drawn = rng.choice(members, round(customers / float(sizes @ members)), p=sizes)
    n_accounts, account = len(drawn), np.repeat(np.arange(len(drawn)), drawn)
    n = len(account)

    def mixed() -> np.ndarray:
        own = np.sqrt(between) * rng.standard_normal(n_accounts)[account]
        together: np.ndarray = own + np.sqrt(1 - between) * rng.standard_normal(n)
        return together

    common, levels = mixed(), {}
    for name, size in LEVELS.items():
        z = np.sqrt(_ALIKE) * common + np.sqrt(1 - _ALIKE) * mixed()
        levels[name] = np.digitize(z, norm.ppf(np.arange(1, size) / size)) + 1.0
    pro = rng.random(n) < 0.4
    x = (levels["score"] - 5.5) / np.sqrt(8.25)
    p = expit(0.8 + _ACTS * x + 0.3 * pro)
    own = betaincinv(p * (1 / ICC - 1), (1 - p) * (1 / ICC - 1), rng.random(n_accounts)[account])
    stays = rng.random(n) < own
    within = 0.5 * (1 / ICC - 1) / 1.5
    spent = np.exp(4 + 0.1 * x) * rng.gamma(2, 0.5, n_accounts)[account] * rng.gamma(1 / within, within, n)
    bucket = {"bucket": rng.integers(0, BUCKETS, n_accounts)[account]} if clustered else {}
    cells = pd.DataFrame({
        **levels, "stratum.plan": np.where(pro, "pro", "basic"), **bucket,
        "state": np.where(stays, RETAINED, _LOST), "n": 1, "spend_n": 1, "spend_sum": spent.round(2),
        "spend_sum_sq": spent.round(2) ** 2,
    })  # fmt: skip
    spec = score_spec(clustered=clustered)
    followed: dict[tuple[str, ...], np.ndarray] = {(): np.ones(HORIZON + 1)}
    unread = pd.DataFrame({"score": pd.array([1], dtype="Int64"), "exit": [HORIZON], "n": [n]})
    return Counts(unread, spec, Profile(law, n, n), drivers=driver_table(cells, spec, followed, HORIZON))


def score_spec(*, clustered: bool) -> CohortSpec:
    """Say what is asked of a cohort with three scores."""
    others = {name: {"column": name, "scale": f"1-{n}"} for name, n in LEVELS.items() if name != "score"}
    return make_spec({
        "cohort": {"cluster": "account"} if clustered else {},
        "score": {"column": "score", "scale": "1-10", "others": others},
        "subscription": {"duration": "months", "event": "left"}, "spend": {"column": "spend", "complete": True},
        "adjust": {"columns": ["plan"]}, "analysis": {"horizon": HORIZON},
    })  # fmt: skip


def judged(rows: Iterator[dict[str, Any]]) -> pd.DataFrame:
    """Give the mean standard error over the deviation of the estimates, and coverage, of each quantity and group.

    An estimate without an interval counts neither way.
    """
    table = pd.DataFrame(rows).dropna(subset=["conf_low"])
    table["outcome"] = table.get("outcome", "retention")
    table["covered"] = table["truth"].between(table["conf_low"], table["conf_high"])
    table["off"] = table["estimate"] - table["truth"]
    keys = ["outcome", "quantity", "group", *(["reference"] if "reference" in table else []), "how"]
    made = table.groupby(keys).agg(
        deviation=("off", "std"),
        std_error=("std_error", "mean"),
        coverage=("covered", "mean"),
        n=("off", "size"),
    )
    return made.assign(errors=made["std_error"] / made["deviation"]).reset_index()


def main(which: str) -> None:
    """Run the trials of posteriors, or of scores, and print what each finds by quantity."""
    trials = (
        ((of, posterior_rows(*of)) for of in POSTERIORS)
        if which == "posteriors"
        else ((of, score_rows(*of)) for of in SCORES)
    )
    for of, rows in trials:
        found = (
            judged(rows)
            .groupby(["outcome", "quantity", "how"])[["errors", "coverage"]]
            .agg(["min", "max", "mean"])
        )
        print(*of, "\n", found.round(3).to_string())


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "posteriors")
