"""The study's figures over many simulated cohorts: bias, and how often intervals contain the truth."""

import math
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import pandas as pd

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report.document import Block, heading, paragraph, table
from cxlink.report.format import THIN, capital, decimal, periods, score, units, whole
from cxlink.report.study_sections.study_tables import RESTRICTED, figure_name
from cxlink.report.words import say

_LEVEL = 0.95
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
    tenure = [row for row in rows if row["figure"] == RESTRICTED]
    others = [row for row in rows if row["figure"] != RESTRICTED]
    cohorts = int(others[0]["cohorts"])
    sizes = [whole(int(size)) for size in dict.fromkeys(row["customers"] for row in others)]
    coverage = [100 * float(row["adjusted_coverage"]) for row in others]
    text = say("replications.text", cohorts=cohorts, sizes=sizes, low=min(coverage), high=max(coverage))
    caption, notes = say("replications.caption", cohorts=cohorts), [say("replications.note")]
    named = [(figure_name(row["figure"]), row) for row in others]
    shown = _table(named, say("study.column_figure"), caption, spec, notes)
    return [heading(say("replications.heading"), level), paragraph(text), shown, *_tenure(tenure, spec)]


def _tenure(rows: list[dict[str, Any]], spec: CohortSpec) -> list[Block]:
    """Give the same of expected tenure beyond follow-up, from fewer cohorts; nothing where there is none."""
    if not rows:
        return []
    cohorts, coverage = int(rows[0]["cohorts"]), [100 * float(row["adjusted_coverage"]) for row in rows]
    text = say(
        "replications.tenure_text", cohorts=cohorts, customers=int(rows[0]["customers"]), low=min(coverage),
        high=max(coverage), error=100 * math.sqrt(_LEVEL * (1 - _LEVEL) / cohorts),
    )  # fmt: skip
    caption = say("replications.tenure_caption", cohorts=cohorts, units=units(rows[0]["unit"]))
    named = [(periods(int(row["horizon"]), row["unit"]), row) for row in rows]
    return [paragraph(text), _table(named, say("replications.tenure_horizon"), caption, spec, ())]


def _table(
    named: Sequence[tuple[str, dict[str, Any]]], first: str, caption: str, spec: CohortSpec, notes: Sequence[str]
) -> Block:  # fmt: skip
    """Set rows out under their names, those of one name together."""
    cells: list[list[str]] = []
    rules: list[int] = []
    for name, block in groupby(named, key=lambda both: both[0]):
        rules += [len(cells)] if cells else []
        for i, (_, row) in enumerate(block):
            cells.append([name if i == 0 else "", capital(score(row["group"], spec)), *_cells(row)])
    header = [first, *(say(f"study.column_{name}") for name in ("group", "truth"))]
    for how in ("naive", "adjusted"):
        header += [say(f"replications.{how}_bias"), say("replications.coverage")]
    return table(caption, header, cells, notes=notes, rules=rules, texts=(0, 1), shares=_SHARES)


def _cells(row: dict[str, Any]) -> list[str]:
    scale, digits = (100.0, 1) if row["unit"] == "probability" else (1.0, 2)
    shown = [decimal(scale * row["truth"], digits)]
    for name in ("naive", "adjusted"):
        shown.append(decimal(scale * row[f"{name}_bias"], digits + 1))
        shown.append(f"{decimal(100 * row[f'{name}_coverage'], 1)}{THIN}%")
    return shown
