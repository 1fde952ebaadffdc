"""Does expected tenure beyond follow-up hold truths that are drawn at random, one cohort of each law and size?"""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from validation.extrapolation import drawn_laws
from validation.extrapolation.drawn_laws import FAR, JUDGED, KINDS, LAWS, SEED, SHOWN_LAWS, drawn_law
from validation.extrapolation.estimators import DRAWS, SHIPPED, judged_cohort
from validation.extrapolation.rivals import RIVALS
from validation.extrapolation.scored import judged_rows, paired_ratio, renumbered, with_scale
from validation.judge import Verdict
from validation.page import Page, made_by, rules, short_run, shown
from validation.process import Cell, CellTables, Proof, labelled, stacked

CUSTOMERS = (20_000, 300_000)
BLOCK = 10
RIVALS_EVERY = 5
"""Rivals take longer: they are set beside every fifth law."""
REACH = {2: 0.90, FAR: 0.85}
"""Share held that is wanted at so many times T."""
QUANTITIES = {"tenure": "levels", "tenure_difference": "differences", "tenure_ratio": "ratios"}
_KEYS = ["cohort", "follow_up", "customers", "reach", "quantity", "model"]


def cells() -> list[Cell]:
    """Every class of laws."""
    return [
        Cell(
            {"process": kind}, (SEED, at), LAWS if kind in JUDGED else SHOWN_LAWS, BLOCK, partial(tallied, kind),
            renumbered,
        )
        for at, kind in enumerate(KINDS)
    ]  # fmt: skip


def tallied(kind: str, cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw laws, and a cohort of each size of each.

    Returns
    -------
    DataFrame
        ``cohort`` (the law), ``follow_up`` (T), ``customers, reach`` (horizon over T), ``quantity, model, held`` (share
        of the levels, or of their contrasts with the worst), ``width, error, score`` (means over them).
    """
    tables = []
    for k in range(cohorts):
        law = drawn_law(kind, rng)
        reach = {times * law.last: times for times in REACH}
        for customers in CUSTOMERS:
            rows = judged_cohort(
                law, customers, tuple(reach), rng, cohort=k, with_rivals=k % RIVALS_EVERY == 0
            )
            rows = rows.assign(
                follow_up=law.last, customers=customers, reach=rows["horizon"].map(reach),
                quantity=rows["estimand"].map(QUANTITIES),
            )  # fmt: skip
            tables.append(rows[rows["group"].str.isdigit()])
    judged = judged_rows(with_scale(stacked(tables)))
    means = judged.groupby(_KEYS, sort=False)[["held", "width", "error", "score"]].mean().round(5)
    return means.reset_index()


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Share held over laws and its standard error, mean width, error and score, by class, size, reach and model."""
    keys = ["process", "customers", "reach", "quantity", "model"]
    grouped = table.groupby(keys, sort=False)
    found = grouped[["held", "width", "error", "score"]].mean()
    found = found.assign(laws=grouped.size(), held_error=grouped["held"].std())
    return found.assign(held_error=found["held_error"] / np.sqrt(found["laws"])).reset_index()


def compared(table: pd.DataFrame) -> pd.DataFrame:
    """Paired ratios of interval scores of levels, on the laws whose rivals were made."""
    found = []
    levels = table[table["quantity"] == "levels"]
    for (process, customers, reach), rows in levels.groupby(["process", "customers", "reach"], sort=False):
        for rival in RIVALS:
            at = {"process": process, "customers": customers, "reach": reach, "rival": rival}
            width = paired_ratio(rows, rival, SHIPPED, "width")["ratio"]
            found.append({**at, **paired_ratio(rows, rival, SHIPPED), "width": width})
    return pd.DataFrame(found)


def verdicts(found: pd.DataFrame) -> Iterator[Verdict]:
    """Judge by rules that were written before the run."""
    asked = found[(found["model"] == SHIPPED) & found["process"].isin(JUDGED)]
    for row in asked.to_dict("records"):
        least = REACH[int(row["reach"])]
        rule = f"{row['process']}, {row['customers']:,} customers, {row['quantity']} at {row['reach']} T: "
        text = f"{row['held']:.1%} (± {row['held_error']:.1%}) of {row['laws']} laws"
        yield Verdict(f"{rule}at least {least:.0%}", text, row["held"] >= least)


def page(tables: CellTables) -> Page:
    """Judge what was found."""
    table = labelled(tables)
    found, ratios = summary(table), compared(table)
    lines = [*_head(table), *rules(verdicts(found)), *_tables(found, ratios)]
    return Page(
        "extrapolation_laws", lines, {"extrapolation_laws": found, "extrapolation_laws_ratios": ratios}
    )


def _head(table: pd.DataFrame) -> Iterator[str]:
    made = table.groupby("process", sort=False)["cohort"].nunique()
    laws = ", ".join(f"{n} `{process}`" for process, n in made.items())
    yield "# Expected tenure beyond follow-up, on laws drawn at random\n"
    yield (
        f"{made_by()}: {laws} (planned: {LAWS} of each class that is judged, {SHOWN_LAWS} of each that is shown), "
        f"and of each law one cohort of {CUSTOMERS[0]:,} and one of {CUSTOMERS[1]:,} customers, drawn as counts; 95 "
        f"% intervals from {DRAWS} draws. T is the longest follow-up; the truth is judged at 2 T and at {FAR} T. "
        "Held is the share of a law's levels, or of their differences and ratios to the worst, averaged over laws; "
        "its standard error is over laws. Widths, errors and scores are over the truth, of differences over the "
        f"tenure of the group. The average of families and equal weights were made on every {RIVALS_EVERY}th law."
        f"{short_run(int(made[made.index.isin(JUDGED)].min()), LAWS)}\n"
    )
    text = drawn_laws.__doc__ or ""
    yield text.partition("\n\n")[2].strip()


def _tables(found: pd.DataFrame, ratios: pd.DataFrame) -> Iterator[str]:
    yield "\n## Held, and how wide\n"
    columns = {
        "class": "{process}", "customers": "{customers:,}", "T ×": "{reach}", "quantity": "{quantity}",
        "model": "{model}", "laws": "{laws}", "held": "{held:.1%}", "standard error": "{held_error:.1%}",
        "mean width": "{width:.2f}", "mean error": "{error:+.2f}", "interval score": "{score:.2f}",
    }  # fmt: skip
    yield from shown(found, columns)
    yield "\n## Interval scores of the same cohorts\n"
    columns = {
        "class": "{process}", "customers": "{customers:,}", "T ×": "{reach}", "against": "{rival}",
        "score": "{ratio:.2f}", "to": "{upper:.2f}", "width": "{width:.2f}", "laws": "{cohorts}",
    }  # fmt: skip
    yield from shown(ratios, columns)


LAW_PROOF = Proof(
    "laws", "tenure beyond follow-up on laws drawn at random: renewal, breaks, fading, crossing, deviating scores",
    cells, page,
)  # fmt: skip
