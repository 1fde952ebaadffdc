"""Does expected tenure beyond follow-up hold its truth on the study's own design, and at what price in width?"""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from validation.extrapolation.estimators import DRAWS, SHIPPED, judged_cohort
from validation.extrapolation.rivals import RIVALS
from validation.extrapolation.scored import judged_rows, paired_ratio, renumbered, with_scale
from validation.extrapolation.study_law import FIRST, LAST, SCORED, study_law
from validation.judge import Verdict
from validation.page import Page, made_by, rules, short_run, shown
from validation.process import Cell, CellTables, Proof, labelled, stacked

SEED = 20140801
CUSTOMERS = (SCORED, 300_000)
COHORTS, BLOCK = 200, 10
INSIDE, HORIZONS = 24, (36, 60, 120)
GROUPS = {"1": "score 1", "5": "score 5", "best": "scores 9–10"}
LEAST_HELD = 0.92
MOST_OF_RIVAL = {
    "averaged": {36: 0.65, 60: 0.60, 120: 0.55},
    "averaged_equal": dict.fromkeys(HORIZONS, 0.75),
}
"""Interval score that is wanted at most, over that of each rival on the same cohorts."""


def cells() -> list[Cell]:
    """The study's design with each number of customers."""
    return [
        Cell({"process": "study", "customers": n}, (SEED, n), COHORTS, BLOCK, partial(tallied, n), renumbered)
        for n in CUSTOMERS
    ]


def tallied(customers: int, cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw cohorts, and set tenure of the three groups, and of the best against the worst, beside the truth."""
    law, horizons = study_law(), (INSIDE, *HORIZONS)
    tables = [judged_cohort(law, customers, horizons, rng, cohort=k) for k in range(cohorts)]
    table = stacked(tables)
    against = table["reference"].eq("") | table["group"].eq("best")
    return table[table["group"].isin(GROUPS) & against].reset_index(drop=True)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Share held, width, error, interval score, and standard error over the deviation of the estimates, by row."""
    keys = ["customers", "estimand", "group", "reference", "horizon", "model"]
    judged = judged_rows(with_scale(table)).assign(off=table["estimate"] - table["truth"])
    grouped = judged.groupby(keys, sort=False)
    found = grouped[["held", "width", "error", "score", "truth"]].mean()
    errors = grouped["std_error"].mean() / grouped["off"].std()
    return found.assign(cohorts=grouped.size(), ratio_of_errors=errors).reset_index()


def compared(table: pd.DataFrame) -> pd.DataFrame:
    """Paired ratios of interval scores and widths over the three groups: ``customers, horizon, rival`` and so on."""
    levels = judged_rows(with_scale(table[table["estimand"] == "tenure"]))
    found = []
    for (customers, horizon), rows in levels.groupby(["customers", "horizon"], sort=True):
        for rival in RIVALS:
            score = paired_ratio(rows, rival, SHIPPED)
            width = paired_ratio(rows, rival, SHIPPED, "width")
            most = MOST_OF_RIVAL.get(rival, {}).get(int(str(horizon)), np.nan)
            found.append({
                "customers": customers, "horizon": horizon, "rival": rival, **score, "width": width["ratio"],
                "wanted": most,
            })  # fmt: skip
    return pd.DataFrame(found)


def verdicts(found: pd.DataFrame, ratios: pd.DataFrame) -> Iterator[Verdict]:
    """Judge by rules that were written before the run."""
    levels = found[(found["model"] == SHIPPED) & (found["estimand"] == "tenure")]
    for row in levels[levels["horizon"] != INSIDE].to_dict("records"):
        rule = (
            f"{GROUPS[row['group']]}, {row['customers']:,} customers, {row['horizon']} months: at least 92 %"
        )
        yield Verdict(rule, f"{row['held']:.1%} of {row['cohorts']}", row["held"] >= LEAST_HELD)
    for row in levels[levels["horizon"] == INSIDE].to_dict("records"):
        rule = f"{GROUPS[row['group']]}, {row['customers']:,} customers, inside follow-up ({INSIDE} months): 92 to 98 %"
        rule += ", and standard error over the estimates' deviation .9 to 1.15"
        text = f"{row['held']:.1%} of {row['cohorts']}; {row['ratio_of_errors']:.2f}"
        yield Verdict(rule, text, 0.92 <= row["held"] <= 0.98 and 0.9 <= row["ratio_of_errors"] <= 1.15)
    for row in ratios[ratios["horizon"] != INSIDE].to_dict("records"):
        rule = (
            f"interval score, {row['customers']:,} customers, {row['horizon']} months: at most {row['wanted']:.2f} × "
            f"{row['rival']}, upper end of the ratio's interval below 1"
        )
        text = f"{row['ratio']:.2f} (to {row['upper']:.2f}) over {row['cohorts']} cohorts"
        yield Verdict(rule, text, row["ratio"] <= row["wanted"] and row["upper"] < 1)


def page(tables: CellTables) -> Page:
    """Judge what was found."""
    table = labelled(tables)
    found, ratios = summary(table), compared(table)
    lines = [*_head(table), *rules(verdicts(found, ratios)), *_tables(found, ratios)]
    return Page("extrapolation_study", lines, {"extrapolation_study": found, "extrapolation_ratios": ratios})


def _head(table: pd.DataFrame) -> Iterator[str]:
    made = table.groupby("customers")["cohort"].nunique()
    sizes = " and ".join(f"{n} cohorts of {size:,}" for size, n in made.items())
    yield "# Expected tenure beyond follow-up, on the study's design\n"
    yield (
        f"{made_by()}: {sizes} customers scored (planned: {COHORTS} each), drawn as counts from the study's "
        f"subscribers, ten scores and twelve strata, observed for {FIRST} to {LAST} months; 95 % intervals from "
        f"{DRAWS} draws. Widths, errors and interval scores are over the truth; the interval score is the width and "
        "40 times what a missed truth lies outside. A difference is over the tenure of its group. Ratios are of "
        "mean scores on the same cohorts, over the three groups; in brackets the upper end of the 95 % bootstrap "
        f"interval over cohorts.{short_run(int(made.min()), COHORTS)}"
    )


def _tables(found: pd.DataFrame, ratios: pd.DataFrame) -> Iterator[str]:
    yield "\n## Held, and how wide\n"
    columns = {
        "customers": "{customers:,}", "quantity": "{estimand}", "group": "{group}", "against": "{reference}",
        "months": "{horizon}", "model": "{model}", "truth": "{truth:.4g}", "held": "{held:.1%}",
        "mean width": "{width:.2f}", "mean error": "{error:+.3f}", "interval score": "{score:.2f}",
        "standard error over deviation": "{ratio_of_errors:.2f}",
    }  # fmt: skip
    order = ["customers", "estimand", "group", "horizon", "model"]
    yield from shown(found.sort_values(order), columns)
    yield "\n## Interval scores of the same cohorts\n"
    columns = {
        "customers": "{customers:,}", "months": "{horizon}", "against": "{rival}", "score": "{ratio:.2f}",
        "to": "{upper:.2f}", "width": "{width:.2f}", "cohorts": "{cohorts}",
    }  # fmt: skip
    yield from shown(ratios, columns)


STUDY = Proof(
    "study", "tenure beyond follow-up on the study's design: held, and interval scores on the same cohorts",
    cells, page,
)  # fmt: skip
