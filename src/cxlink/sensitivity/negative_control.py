"""A negative control: an outcome that the score cannot have changed, averaged as spend is.

Lipsitch, Tchetgen Tchetgen & Cohen (2010), doi 10.1097/EDE.0b013e3181d61eeb.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import vstack

from cxlink.checks import Check
from cxlink.cohort.count.counts import CONTROL, SPEND, Counts
from cxlink.cohort.count.spells import SPEND_MOMENTS, Spells, spells_of
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.contrasts import OF_CONTROLS
from cxlink.estimands.estimand import Estimand, rows_of
from cxlink.estimands.spend_estimands import mean
from cxlink.groups.headline_requests import spend_requests
from cxlink.spend.means import MeanSpend, cell_means, mean_spend
from cxlink.survival.kaplan_meier import kaplan_meier

Row = dict[str, Any]
CONTROL_MEAN = Estimand("control", "", mean, OF_CONTROLS)
"""No ratio where a mean is not over 0."""


def control_spells(counts: Counts) -> Spells:
    """Collect the scored customers with the sums of the negative control where those of spend are."""
    cells = counts.cells.drop(columns=[name for name in SPEND if name in counts.cells])
    cells = cells.rename(columns=dict(zip(CONTROL, SPEND_MOMENTS, strict=True)))
    return spells_of(replace(counts, cells=cells))


def varies(spells: Spells) -> bool:
    """Whether the negative control has more than one value: nΣx² over (Σx)², beyond what rounding makes of it."""
    n, total, squares = spells.spend.sum(axis=0)
    return bool(n * squares - total**2 > 1e-12 * n * squares)


def control_means(spells: Spells, counts: Counts, rng: np.random.Generator) -> list[MeanSpend]:
    """Average the negative control by group: pooled, and standardised as spend is.

    Parameters
    ----------
    spells : Spells
        What `control_spells` gives.
    counts : Counts
        Of the cohort.
    rng : Generator
        Advanced.
    """
    spec = counts.spec
    asked = [r for r in spend_requests(spells, spec) if not r.labels["stratum"] and r.standards]
    cells = [cell_means(spells, request.members) for request in asked]
    scores = vstack([cell.scores for cell in cells]).tocsr()
    drawn = kaplan_meier(spells, [], spec.analysis.draws, rng, horizon=spec.horizon, scores=scores).influence
    parts = np.split(drawn, np.cumsum([len(cell.n) for cell in cells])[:-1], axis=1)
    usual = _usual(spells)
    return [
        mean_spend(request, cell, part, rng, usual)
        for request, cell, part in zip(asked, cells, parts, strict=True)
    ]


def _usual(spells: Spells) -> float:
    """What a control that is not 0 usually is: 1 of a yes or no."""
    n, total, squares = spells.spend.sum(axis=0)
    return float(squares / abs(total)) if total else float(np.sqrt(squares / n))


def control_rows(counts: Counts, rng: np.random.Generator) -> tuple[list[Row], list[Check]]:
    """Run the negative control through the analysis of spend.

    Parameters
    ----------
    counts : Counts
        Of the cohort.
    rng : Generator
        Advanced.

    Returns
    -------
    rows, findings
        Nothing without a control; a finding alone where nobody's is known, or all are the same.
    """
    spec = counts.spec
    if spec.control is None or "control_n" not in counts.cells or not len(counts.scored):
        return [], []
    known, n = int(counts.scored["control_n"].sum()), int(counts.scored["n"].sum())
    column = {"column": spec.control.column}
    findings = [Check("control_known", "means", value=known / n, facts=column)]
    spells = control_spells(counts)
    if not known or not varies(spells):
        facts = {**column, "case": "constant" if known else "unknown"}
        return [], [*findings, Check("control", "means", value=float(known), passed=False, facts=facts)]
    rows = []
    for means in control_means(spells, counts, rng):
        found = rows_of(means, (CONTROL_MEAN,), spec)
        rows += found
        findings += _verdict(found, spec)
    return rows, findings


def _verdict(rows: list[Row], spec: CohortSpec) -> Iterator[Check]:
    """Say whether the headline contrast of the control shows nothing, as it should."""
    sides = spec.contrast(spec.analysis.contrasts[0])
    for shown in rows:
        if shown["estimand"] == "control_difference" and (shown["group"], shown["reference"]) == sides:
            nothing = bool(shown["conf_low"] <= 0 <= shown["conf_high"])
            yield Check(
                "control_difference", "means", sides[0], shown["estimate"], shown["conf_low"], shown["conf_high"],
                bound=0.0, passed=nothing,
                facts={"case": shown["adjusted"], "reference": sides[1], "adjusted": shown["adjusted"]},
            )  # fmt: skip
