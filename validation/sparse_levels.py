"""Levels of few customers, at every height of the curve: do intervals hold where a bootstrap would hardly move?

One cohort has twelve levels. Eleven have 20, 50 or 200 customers each and S(12) from .05 to .999; the twelfth is the
rest of the cohort. Hazards are proportional and their log cumulative one is linear in log t (a Weibull distribution of
shape 0.8 counted in whole months), so that Kaplan–Meier, grouped proportional hazards and the Weibull family all hold,
and what is tried is how they deal with hardly a loss, or hardly a survivor.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.count.coding import LOST
from cxlink.cohort.count.counts import Counts, add_up
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.count.spells import Spells, merged_over_strata, person_periods, spells_of
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec
from cxlink.estimands.headline import headline_of
from cxlink.estimands.survival_estimands import survival_rows
from cxlink.estimands.tidy import row
from cxlink.groups.requests import by_level, pooled
from cxlink.survival.families.catalogue import WEIBULL
from cxlink.survival.families.fit import fit
from cxlink.survival.families.fitted import Unfitted
from cxlink.survival.proportional_hazards.grouped_ph import GroupedPH, grouped_ph

KEPT = (0.05, 0.2, 0.43, 0.8, 0.84, 0.9, 0.935, 0.97, 0.984, 0.99, 0.999)
"""S(12) of the levels 1 to 11."""
REST, REST_KEPT = 1_000, 0.6
CUSTOMERS = (20, 50, 200)
HORIZON = 12
_SHAPE = 0.8
_FOLLOW_UP = (12, 24)
"""Months that either half of the customers is followed."""

Row = dict[str, Any]


@cache
def _spec(draws: int) -> CohortSpec:
    return make_spec({
        "cohort": {"name": "sparse-levels", "simulated": True},
        "score": {"column": "score", "scale": "1-12", "worst": [1], "best": [11]},
        "subscription": {"duration": "months", "event": "lost"},
        "analysis": {"draws": draws, "tenure_horizons": [HORIZON]},
    })  # fmt: skip


def survival(kept: tuple[float, ...] = KEPT) -> np.ndarray:
    """S(t) of each level at t = 0, 1, … 24 months: S(12)^((t/12)^0.8), shape (12, 25)."""
    power: np.ndarray = (np.arange(max(_FOLLOW_UP) + 1) / HORIZON) ** _SHAPE
    curves: np.ndarray = np.array([*kept, REST_KEPT])[:, None] ** power
    return curves


def drawn_cohort(
    customers: int, draws: int, rng: np.random.Generator, kept: tuple[float, ...] = KEPT
) -> Counts:
    """Draw a cohort whose eleven sparse levels have so many customers each, and keep such shares of them for a year."""
    curves, parts = survival(kept), []
    for months in _FOLLOW_UP:
        size = np.array([customers] * len(KEPT) + [REST]) // len(_FOLLOW_UP)
        shares = np.concatenate(
            [-np.diff(curves[:, : months + 1], axis=1), curves[:, months : months + 1]], axis=1
        )
        n = rng.multinomial(size, shares)
        level, outcome = np.nonzero(n)
        parts.append(
            pd.DataFrame(
                {
                    "score": pd.array(level + 1, dtype="Int64"),
                    "entry": 0,
                    "exit": np.minimum(outcome + 1, months),
                    "cause": np.where(outcome < months, LOST, ""),
                    "wave": "",
                    "n": n[level, outcome],
                }
            )
        )
    total = customers * len(KEPT) + REST
    return Counts(add_up(pd.concat(parts)), _spec(draws), Profile("sparse levels", total, total))


def replicated(customers: int, draws: int, rng: np.random.Generator) -> list[Row]:
    """Retention at the horizon by level from each model, with its ``truth``."""
    counts = drawn_cohort(customers, draws, rng)
    spells = spells_of(counts)
    truth = {str(level): value for level, value in enumerate(KEPT, 1)}
    rows = [*nonparametric(spells, counts, rng), *_grouped(spells, counts.spec, rng)]
    rows += _weibull(spells, counts.spec, rng)
    kept = [
        r for r in rows if r["estimand"] == "retention" and r["horizon"] == HORIZON and r["group"] in truth
    ]
    return [{**one, "truth": truth[one["group"]]} for one in kept]


def nonparametric(spells: Spells, counts: Counts, rng: np.random.Generator) -> list[Row]:
    """Kaplan–Meier's rows at the horizon."""
    asked = pooled(spells, counts.spec)
    wanted = [replace(asked, times=np.array([0, HORIZON]), horizons=())] if asked is not None else []
    return headline_of(spells, counts, wanted, [], rng)[0]


def _grouped(spells: Spells, spec: CohortSpec, rng: np.random.Generator) -> list[Row]:
    request = replace(by_level(spells, spec), times=np.array([0, HORIZON]))
    made = grouped_ph(spells, spec, request, spec.analysis.draws, rng)
    return survival_rows(made.curves, spec) if isinstance(made, GroupedPH) else []


def _weibull(spells: Spells, spec: CohortSpec, rng: np.random.Generator) -> Iterator[Row]:
    """Retention at the horizon from the family's draws; its other quantities, which take longer, are left out."""
    fitted = fit(WEIBULL, merged_over_strata(person_periods(spells)))
    if isinstance(fitted, Unfitted):
        return
    level, stratum = np.arange(len(spells.levels)), np.zeros(len(spells.levels), int)
    theta = np.concatenate([fitted.estimate[None], fitted.draws(spec.analysis.draws, rng)])
    kept = np.exp(fitted.family.linked(np.array(float(HORIZON)), *fitted.linked(theta, level, stratum)))
    for g, name in enumerate(spells.levels):
        yield row(
            "retention", kept[0, g], kept[1:, g], spec.analysis.level, "probability", model="weibull",
            group=str(name), horizon=HORIZON, adjusted="no", n=int(spells.n[spells.level[spells.pair] == g].sum()),
        )  # fmt: skip
