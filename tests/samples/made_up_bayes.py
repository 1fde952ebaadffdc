"""Made-up posteriors of the made-up cohort: rows, findings and pictures as the analysis would hand them over."""

from collections.abc import Iterator, Mapping

import made_up
import numpy as np
import pandas as pd

from cxlink.bayes.pooled_counts import Coding, bayes_effect
from cxlink.bayes.priors import SPEND_PRIORS, hazard_priors, renewal_priors
from cxlink.checks import Check
from cxlink.estimands.bayesian.posterior_estimates import Bayesian
from cxlink.estimands.bayesian.prior_predictive import prior_table
from cxlink.estimands.tidy import ready_row, tidy
from cxlink.results import Results

UNSEEN = 3
MODELS = {"bayes": 0.60, "bayes_sbg": 0.58}
HALF = {"": 0.06, "alone": 0.10, "new_cohort": 0.15, "waning": 0.07}
ENDS = {"bayes": 1.0, "bayes_sbg": 1.1}


def estimates(
    given: Results, scenarios: tuple[str, ...] = ("",), n: Mapping[str, int] | None = None
) -> pd.DataFrame:
    """Rows of both models: retention a level above or below the middle by its distance from 5; level 3 unseen."""
    return tidy([*_stays(given, scenarios, n or {}), *_spent(given)])


def _stays(given: Results, scenarios: tuple[str, ...], n: Mapping[str, int]) -> Iterator[dict[str, object]]:
    spec = given.spec
    if spec.subscription is None:
        return
    for model, middle in MODELS.items():
        for scenario in scenarios if model == "bayes" else ("",):
            for adjusted in ("no", "standardised") if spec.stratum_variables else ("no",):
                for group, members in made_up.GROUPS.items():
                    if group == "all" and adjusted == "standardised":
                        continue
                    size = n.get(group, made_up.count(group))
                    size = 0 if group == str(UNSEEN) else size
                    p = middle + 0.02 * (float(np.mean(members)) - 5)
                    for horizon in (12, 36, 60, 120):
                        keys = {
                            "model": model, "group": group, "horizon": horizon, "adjusted": adjusted,
                            "scenario": scenario, "n": size, "extrapolated": 0.0 if horizon == 12 else p / 2,
                        }  # fmt: skip
                        half = HALF[scenario]
                        ends = (half / 2, p - half, p + half)
                        yield ready_row("retention", p, ends, 0.95, "probability", **keys)
                        mean = p * horizon * ENDS[model]
                        yield ready_row("tenure", mean, (1.0, mean - 2, mean + 2), 0.95, "month", **keys)


def _spent(given: Results) -> Iterator[dict[str, object]]:
    if given.spec.spend is None:
        return
    adjusted = "standardised" if given.spec.stratum_variables else "no"
    for group, members in made_up.GROUPS.items():
        if group == "all":
            continue
        mean = 600.0 + 10 * float(np.mean(members))
        keys = {"model": "bayes", "group": group, "adjusted": adjusted, "n": made_up.count(group)}
        yield ready_row("spend", mean, (10.0, mean - 20, mean + 20), 0.95, "EUR", **keys)


def posterior_checks(given: Results) -> list[Check]:
    """All as it should be, of every posterior that the cohort has."""
    parts = (
        [("bayes", "retention"), ("bayes_sbg", "retention")] if given.spec.subscription is not None else []
    )
    parts += [("bayes", "spend")] if given.spec.spend is not None else []
    return [check for model, of in parts for check in _as_they_should_be(model, of)]


def _as_they_should_be(model: str, of: str) -> list[Check]:
    replicated = "predicted_losses" if of == "retention" else "predicted_spread"
    same, best = {"of": of}, {"of": of, "case": "counts", "reference": ""}
    drawn = {**same, "draws": 4000, "least_a_chain": 100}
    within = {"observed": 310.0, "replicated_low": 290.0, "replicated_high": 330.0, "level": 0.95}
    inside = {**same, **within, **({"case": "inside"} if of == "spend" else {})}
    found = [
        Check("rhat", model, value=1.004, bound=1.01, passed=True, facts=same),
        Check("ess_bulk", model, value=1234.0, bound=400.0, passed=True, facts=drawn),
        Check("ess_tail", model, value=987.0, bound=400.0, passed=True, facts=drawn),
        Check("divergences", model, value=0.0, bound=0.0, passed=True, facts=drawn),
        Check("bfmi", model, value=0.93, bound=0.3, passed=True, facts=same),
        *(
            Check(replicated, model, str(level), 0.4, bound=0.025, passed=True, facts=inside)
            for level in (1, 2, 9)
        ),
        Check("prior_sensitivity", model, "best", 0.012, bound=0.05, passed=True, facts=best),
        Check(
            "prior_sensitivity",
            model,
            "best",
            0.021,
            bound=0.05,
            passed=True,
            facts={**best, "reference": "worst"},
        ),
        Check("likelihood_sensitivity", model, "best", 0.2, facts=same),
        Check("elpd_left_out_cells", model, value=-1148.5, facts={**same, "cells": 2263, "std_error": 37.54}),
        Check("refitted_cells", model, value=2.0, facts={**same, "cells": 2263}),
        Check("effective_parameters", model, value=31.25, facts=same),
        Check("draws", model, value=4000.0, facts={**same, "chains": 4}),
    ]
    if of == "retention":
        facts = {**same, "quantity": "spread_level_stratum", "level": 0.95}
        found.append(Check("standard_deviation", model, value=0.4055, low=0.229, high=0.688, facts=facts))
    return found


def curves(given: Results) -> pd.DataFrame:
    """Posterior and prior by month."""
    columns = ["model", "adjusted", "scenario", "group", "time", "estimate", "conf_low", "conf_high"]
    adjusted = "standardised" if given.spec.stratum_variables else "no"
    rows = [
        ("bayes", kind, scenario, group, t, p, max(p - half, 0.0), min(p + half, 1.0))
        for group, kind, scenario, half in (
            ("worst", adjusted, "", 0.05), ("best", adjusted, "", 0.04), ("all", "no", "prior", 0.4),
        )
        for t in range(121)
        for p in [made_up.survival(group, t)]
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def posteriors(given: Results, n_cohorts: int, scenarios: tuple[str, ...]) -> Bayesian:
    """What stands beside the tables."""
    columns = ["scenario", "group", "estimate", "conf_low", "conf_high", "unit"]
    before = [("prior", str(level), 500.0, 20.0, 9000.0 + level, "EUR") for level in given.spec.scale.levels]
    return Bayesian(
        curves=[curves(given)] if given.spec.subscription is not None else [],
        spend=[pd.DataFrame(before, columns=columns)] if given.spec.spend is not None else [],
        priors=list(priors(given, n_cohorts, "waning" in scenarios)),
    )


def priors(given: Results, n_cohorts: int, waning: bool) -> Iterator[pd.DataFrame]:
    """Priors of each model that the cohort has."""
    strata = ((("stratum.plan", "a"),), (("stratum.plan", "b"),)) if given.spec.stratum_variables else ((),)
    cohorts = tuple(f"cohort {k}" for k in range(n_cohorts))
    coding = Coding(given.spec.scale.levels, strata, cohorts, bayes_effect(given.spec.score.effect))
    if given.spec.subscription is not None:
        yield prior_table(hazard_priors(), "bayes", "retention", coding, waning=waning)
        yield prior_table(renewal_priors(), "bayes_sbg", "retention", coding, waning=waning)
    if given.spec.spend is not None:
        yield prior_table(SPEND_PRIORS, "bayes", "spend", coding)


def pooled(cohorts: int = 1) -> pd.DataFrame:
    """The cohorts that the posteriors stand on."""
    sizes = [(f"cohort {i}", 30_000 - i, 24) for i in range(1, cohorts)]
    return pd.DataFrame([*sizes, ("saas-2019", 25_005, 3)], columns=["cohort", "customers", "periods"])


def with_posteriors(
    tables: dict[str, object] | None = None, *, cohorts: int = 1, scenarios: tuple[str, ...] = ("",),
    found: list[Check] | None = None,
) -> Results:  # fmt: skip
    """The made-up cohort, fitted with ``--bayes``; nobody gave 3."""
    given = made_up.results(tables)
    rows = given.estimates[given.estimates["group"] != str(UNSEEN)]
    said = posterior_checks(given) if found is None else found
    checks = (*given.checks, *said)
    cells = given.counts.cells
    return made_up.altered(
        given,
        cells=cells[~cells["score"].eq(UNSEEN).fillna(False)],
        estimates=pd.concat([rows, estimates(given, scenarios)], ignore_index=True),
        checks=checks,
        bayesian=posteriors(given, cohorts, scenarios),
        cohorts=pooled(cohorts),
    )
