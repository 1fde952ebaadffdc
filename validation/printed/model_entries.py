"""Entries whose truth is a limit: fits of models that do not hold, on the counts that are expected."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.comparison.changes import outcomes
from cxlink.estimands.model_rows.hazard_rows import hazard_results
from cxlink.estimands.simultaneous import SIMULTANEOUS
from cxlink.metrics.power_rows import power_rows
from cxlink.metrics.touchpoints import touchpoint_rows
from validation.printed.entry import Row, drawn_cohort, joined, seeded
from validation.printed.exact_truths import mix_of
from validation.printed.planted_law import (
    HORIZON,
    PlantedLaw,
    counts_of,
    drawn,
    expected,
    planted_laws,
    spec_of,
)  # fmt: skip

MANY = 1e9
"""Customers whose expected counts, rounded to whole ones, stand for a law."""
BRIER = "brier"
FURTHER = 100
"""Cohorts over which the expected gain of a coding is averaged: a tenth of a standard error."""


def hazards(law: str, n: int, rng: np.random.Generator) -> Iterator[Row]:
    """Hazard ratios, conditional, by score alone and by year, and every coefficient: limits of the best fit."""
    _, counts = drawn_cohort(law, n, rng)
    yield from joined(_hazards(counts, rng), limits(law, "hazards"))


def _hazards(counts: Counts, rng: np.random.Generator) -> list[Row]:
    rows, _, coefficients = hazard_results(spells_of(counts), counts.spec, rng)
    kept = [row for row in rows if row["estimand"] == "hazard_ratio" and row.get("scenario") != SIMULTANEOUS]
    return kept + [
        {
            **row, "estimand": "coefficient", "group": f"{row['term']} {row['level']}", "scenario": "",
            "reference": str(row["reference"]),
        }
        for row in coefficients
        # beside interactions, a variable's own term is at the other's reference, which the cohort's counts choose
        if row["adjusted"] != "interacting" or ":" in row["term"]
    ]  # fmt: skip


def touchpoints(law: str, n: int, rng: np.random.Generator) -> Iterator[Row]:
    """Slopes at each touchpoint, which are the plans here: limits of the best fit."""
    yield from joined(_touchpoints(drawn_cohort(law, n, rng)[1]), limits(law, "touchpoints"))


def _touchpoints(counts: Counts, _: np.random.Generator | None = None) -> list[Row]:
    cells = counts.scored.rename(columns={"stratum.plan": "touchpoint"})
    adjust = counts.spec.adjust.model_copy(update={"columns": ()})
    spec = counts.spec.model_copy(update={"adjust": adjust})
    return list(touchpoint_rows(replace(counts, cells=cells, spec=spec)))


def codings(law: str, n: int, rng: np.random.Generator) -> Iterator[Row]:
    """How much better each coding of the answers predicts than none, and than every answer by itself."""
    yield from joined(power_rows(drawn_cohort(law, n, rng)[1], rng), _coding_truths(law, n))


@cache
def _coding_truths(law: str, n: int) -> list[Row]:
    """Average over further cohorts: out of sample, a model of as many customers, which is less good than its limit."""
    rng = np.random.default_rng([n, *law.encode()])
    rows = [row for _ in range(FURTHER) for row in power_rows(drawn_cohort(law, n, rng)[1], rng)]
    mean = pd.DataFrame(rows).groupby(["metric", "version"], as_index=False)["estimate"].mean()
    return [
        {"metric": metric, "version": version, "truth": value}
        for metric, version, value in mean.itertuples(index=False, name=None)
    ]


def recalibration(law: str, n: int, rng: np.random.Generator) -> Iterator[Row]:
    """How well an older cohort's hazards predict this one's, and the same recalibrated: limits at these mixes."""
    laws = (planted_laws()["turning"], planted_laws()[law])
    seed = seeded(rng)
    specs = [spec_of(one, seed, name) for one, name in zip(laws, ("older", "newer"), strict=True)]
    pair = [counts_of(one, n, spec, drawn(rng)) for one, spec in zip(laws, specs, strict=True)]
    limit = [
        counts_of(one, 0, spec, expected, MANY / n * mix_of(counts))
        for one, spec, counts in zip(laws, specs, pair, strict=True)
    ]
    found = [row for row in _calibrated(limit, 100) if row["quantity"] != BRIER]
    # a score of the older model's predictions as they stand, noise and all
    found += [row for row in _calibrated([pair[0], limit[1]], 100) if row["quantity"] == BRIER]
    yield from joined(_calibrated(pair), ({**row, "truth": row["estimate"]} for row in found))


def _calibrated(pair: list[Counts], draws: int = 0) -> list[Row]:
    if draws:
        few = {"analysis": pair[0].spec.analysis.model_copy(update={"draws": draws})}
        pair = [replace(one, spec=one.spec.model_copy(update=few)) for one in pair]
    rows = [row for row in outcomes(pair[0], pair[1], HORIZON)[0].calibration if "decile" not in row["group"]]
    return [{**row, "estimand": f"calibration_{row['quantity']}"} for row in rows]


@cache
def limits(law: str, what: str) -> list[Row]:
    """Rows that the expected counts give, as truths."""
    asked = planted_laws()[law]
    counts = whole_counts(asked, spec_of(asked))
    rng = np.random.default_rng(1)
    made: dict[str, Callable[[], Iterable[Row]]] = {
        "hazards": lambda: _hazards(counts, rng), "touchpoints": lambda: _touchpoints(counts),
    }  # fmt: skip
    return [{**row, "truth": row["estimate"]} for row in made[what]()]


def whole_counts(law: PlantedLaw, spec: CohortSpec) -> Counts:
    """Give the counts that are expected of `MANY` customers."""
    return counts_of(law, MANY, spec, expected)
