"""The study's figures over many simulated cohorts: bias, and how often intervals contain the truth."""

from itertools import groupby
from typing import Any

import pandas as pd

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report.document import Block, heading, paragraph, table
from cxlink.report.format import THIN, capital, decimal, score, whole
from cxlink.report.study_sections.study_tables import figure_name
from cxlink.report.words import say

_SHARES = (2.4, 1.3, 1.0, 1.5, 1.3, 1.5, 1.3)


def replications_section(found: pd.DataFrame, spec: CohortSpec, level: int = 1) -> list[Block]:
    """Give the bias of the estimates and the coverage of their intervals; nothing where no cohorts were drawn for that.

    Parameters
    ----------
    found : DataFrame
        See `cxlink.results.Reproduced`.
    spec : CohortSpec
        What ``worst`` and ``best`` are.
    level : int
        Of the heading.
    """
    rows: list[dict[str, Any]] = [{str(k): v for k, v in row.items()} for row in found.to_dict("records")]
    if not rows:
        return []
    cohorts = int(rows[0]["cohorts"])
    sizes = [whole(int(size)) for size in dict.fromkeys(row["customers"] for row in rows)]
    coverage = [100 * float(row["adjusted_coverage"]) for row in rows]
    text = say("replications.text", cohorts=cohorts, sizes=sizes, low=min(coverage), high=max(coverage))
    return [heading(say("replications.heading"), level), paragraph(text), _table(rows, cohorts, spec)]


def _table(rows: list[dict[str, Any]], cohorts: int, spec: CohortSpec) -> Block:
    cells: list[list[str]] = []
    rules: list[int] = []
    for figure, block in groupby(rows, key=lambda row: row["figure"]):
        rules += [len(cells)] if cells else []
        for i, row in enumerate(block):
            cells.append(
                [figure_name(figure) if i == 0 else "", capital(score(row["group"], spec)), *_cells(row)]
            )
    header = [say(f"study.column_{name}") for name in ("figure", "group", "truth")]
    for how in ("naive", "adjusted"):
        header += [say(f"replications.{how}_bias"), say("replications.coverage")]
    caption, notes = say("replications.caption", cohorts=cohorts), [say("replications.note")]
    return table(caption, header, cells, notes=notes, rules=rules, texts=(0, 1), shares=_SHARES)


def _cells(row: dict[str, Any]) -> list[str]:
    scale, digits = (100.0, 1) if row["unit"] == "probability" else (1.0, 2)
    shown = [decimal(scale * row["truth"], digits)]
    for name in ("naive", "adjusted"):
        shown.append(decimal(scale * row[f"{name}_bias"], digits + 1))
        shown.append(f"{decimal(100 * row[f'{name}_coverage'], 1)}{THIN}%")
    return shown
