"""Is retention held where each survey is followed to the next one, and where each customer is counted once?"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.estimands.model_rows.survey_scenarios import survey_scenarios, weighted
from cxlink.groups.changed_scores import NAMES
from cxlink.groups.standardisation import standardised
from cxlink.groups.support import reaches
from cxlink.study.replications import added, summary, tally
from validation.process import Cell, CellTables, Proof, labelled
from validation.survey_laws import GAP, SurveyLaw, survey_counts, survey_spec
from validation.wave_page import PLANNED, wave_page
from validation.wave_standards import additive_curves, observed_curves, standard_values
from validation.wave_truths import HORIZON, PER_CUSTOMER, UNTIL_NEXT, change_truths, level_truths, wave_laws

Row = dict[str, Any]
SEED = 20261133
SIZES = (1_500, 20_000)
BLOCK = 10
DRAWN = ("acts", "stable", "planted")
"""Laws that cohorts are drawn from."""
TENDS_TO = "model"
"""In place of how a group is adjusted: held against what the model that leads tends to, and not against the truth."""
_LEVELS = ("1", "3", "5")
"""Levels whose retention is tallied: both ends and the middle of the scale."""
_Which = tuple[str, str, str, str]
"""Which change, how it is adjusted, group and reference."""
_Pair = tuple[float, float]
"""Retention of a group and of its reference."""


def cells() -> list[Cell]:
    """Each law at each size."""
    return [
        Cell(
            {"process": name, "customers": n}, (SEED, at, n), PLANNED, BLOCK, partial(tallied, name, n), added
        )
        for at, name in enumerate(DRAWN)
        for n in SIZES
    ]


def tallied(name: str, customers: int, cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw cohorts of a law, and tally retention by level and after a change under both scenarios."""
    law = wave_laws()[name]
    return tally(row for _ in range(cohorts) for row in with_truths(law, *drawn(law, customers, rng), rng))


def drawn(law: SurveyLaw, customers: int, rng: np.random.Generator) -> tuple[Counts, Counts]:
    """Draw a cohort as counts: as they are, and with follow-up cut at the customer's next survey."""
    surveys, spec = law.surveys(customers, rng), survey_spec(HORIZON)
    ahead = (surveys.groupby("customer")["wave"].shift(-1) - surveys["wave"]) * GAP
    followed = np.fmin(surveys["followed"], ahead).astype(int)
    return survey_counts(surveys, spec), survey_counts(surveys.assign(followed=followed), spec)


def with_truths(law: SurveyLaw, counts: Counts, cut: Counts, rng: np.random.Generator) -> Iterator[Row]:
    """Rows of one cohort by the model that leads, each with its truth; standardised levels with what it tends to."""
    plain = replace(counts, cells=counts.cells.drop(columns=PER_CUSTOMER))
    rows = survey_scenarios(plain, cut, [], rng)
    # weighted surveys take their numbers from rows of the main analysis
    main = [{**row, "scenario": _compared(row, UNTIL_NEXT)} for row in rows]
    weighed = survey_scenarios(counts, None, main, rng)
    for scenario, counted, found in ((UNTIL_NEXT, cut, rows), (PER_CUSTOMER, weighted(counts), weighed)):
        pairs = _pairs(law, scenario, counted, found)
        for row in found:
            for adjusted in ("no",) if row["adjusted"] == "no" else ("standardised", TENDS_TO):
                which = (_compared(row, scenario), adjusted, row["group"], row.get("reference") or "")
                if which in pairs:
                    truth = _value(row["estimand"], pairs[which])
                    yield {**row, "model": "leading", "adjusted": adjusted, "truth": truth}


def _compared(row: Row, scenario: str) -> str:
    """Which change is compared, without how surveys are counted; nothing of levels."""
    return str(row["scenario"]).removesuffix(scenario).removesuffix("_")


def _value(estimand: str, pair: _Pair) -> float:
    group, reference = pair
    return {
        "retention": group, "retention_difference": group - reference, "retention_ratio": group / reference,
    }[estimand]  # fmt: skip


def _pairs(law: SurveyLaw, scenario: str, counts: Counts, rows: list[Row]) -> dict[_Which, _Pair]:
    """What each row that is tallied is held against."""
    value = level_truths(law, scenario)
    found = {("", "no", level, ""): (value[level], 1.0) for level in _LEVELS}
    found["", "no", "best", "worst"] = value["5"], value["1"]
    for (move, beside), pair in change_truths(law, scenario).items():
        found[f"{move}_given_{beside}", "standardised", NAMES[move], "stayed"] = pair
    additive = any(row["model"] == "grouped_ph" and row["scenario"] == scenario for row in rows)
    spells, spec = spells_of(counts), counts.spec
    request = standardised(spells, spec, None if additive else reaches(spells, spec.horizon))
    if request is None:
        return found
    names = [one.group for one in request.standards]
    truths = observed_curves(law, scenario)
    known = {"standardised": truths, TENDS_TO: additive_curves(law, scenario) if additive else truths}
    for adjusted, curves in known.items():
        values = standard_values(curves, spells, request, extrapolated=additive)
        own = {names[at]: values[at] for at in request.own}
        found |= {("", adjusted, level, ""): (own[level], 1.0) for level in _LEVELS if level in own}
        for a, b in request.contrasts:
            if (names[a], names[b]) == ("best", "worst"):
                found["", adjusted, "best", "worst"] = values[a], values[b]
    return found


def results(tables: CellTables) -> pd.DataFrame:
    """Give coverage of every quantity: ``process``, ``customers``, then as `replications.summary` gives it."""
    table = labelled(
        [(cell, summary(sums, cell.cohorts).assign(cohorts=cell.cohorts)) for cell, sums in tables]
    )
    names = table["scenario"]
    way = names.where(~names.str.endswith(UNTIL_NEXT), UNTIL_NEXT)
    way = way.where(~names.str.endswith(PER_CUSTOMER), PER_CUSTOMER)
    changes = [name.removesuffix(how).removesuffix("_") for name, how in zip(names, way, strict=True)]
    return table.assign(way=way, change=changes, errors=table["std_error"] / table["deviation"])


WAVES_PROOF = Proof(
    "waves",
    "retention followed to the next survey, and with each customer counted once, is held",
    cells,
    lambda tables: wave_page(results(tables)),
)
