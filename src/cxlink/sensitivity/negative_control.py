"""A negative control outcome, which the score cannot affect, analysed as spend is.

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
from cxlink.estimands.estimand import Estimand
from cxlink.estimands.estimand_rows import rows_of
from cxlink.estimands.over_clusters.clustered_rows import clustering
from cxlink.estimands.spend_estimands import mean
from cxlink.groups.headline_requests import spend_requests
from cxlink.spend.means import MeanSpend, cell_means, mean_spend
from cxlink.survival.kaplan_meier import kaplan_meier

Row = dict[str, Any]
CONTROL_MEAN = Estimand("control", "", mean, OF_CONTROLS)
"""A ratio needs means above 0."""


def control_spells(counts: Counts) -> Spells:
    """Spells of the scored customers with the sums of the negative control in place of those of spend."""
    cells = counts.cells.drop(columns=[name for name in SPEND if name in counts.cells])
    cells = cells.rename(columns=dict(zip(CONTROL, SPEND_MOMENTS, strict=True)))
    return spells_of(replace(counts, cells=cells))


def varies(spells: Spells) -> bool:
    """Whether the negative control has more than one value: nΣx² > (Σx)² beyond rounding error."""
    n, total, squares = spells.spend.sum(axis=0)
    return bool(n * squares - total**2 > 1e-12 * n * squares)


def control_means(spells: Spells, counts: Counts, rng: np.random.Generator) -> list[MeanSpend]:
    """Average the negative control by group: pooled, and standardised as spend is.

    Parameters
    ----------
    spells : Spells
        The result of `control_spells`.
    counts : Counts
        Of the cohort.
    rng : Generator
        Advanced.
    """
    spec = counts.spec
    requests = [r for r in spend_requests(spells, spec) if not r.labels["stratum"] and r.standards]
    cells = [cell_means(spells, request.members) for request in requests]
    scores = vstack([cell.scores for cell in cells]).tocsr()
    drawn = kaplan_meier(spells, [], spec.analysis.draws, rng, horizon=spec.horizon, scores=scores).influence
    parts = np.split(drawn, np.cumsum([len(cell.n) for cell in cells])[:-1], axis=1)
    typical = _typical(spells)
    return [
        mean_spend(request, cell, part, rng, typical)
        for request, cell, part in zip(requests, cells, parts, strict=True)
    ]


def _typical(spells: Spells) -> float:
    """Typical size of a value that is not 0, Σx²/Σx: 1 for a binary control."""
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
        Both empty without a control; a check alone where all values are missing or equal.
    """
    spec = counts.spec
    if spec.control is None or "control_n" not in counts.cells or not len(counts.scored):
        return [], []
    n_recorded, n = int(counts.scored["control_n"].sum()), int(counts.scored["n"].sum())
    column = {"column": spec.control.column}
    findings = [Check("control_known", "means", value=n_recorded / n, facts=column)]
    spells = control_spells(counts)
    if not n_recorded or not varies(spells):
        facts = {**column, "case": "constant" if n_recorded else "unknown"}
        return [], [*findings, Check("control", "means", value=float(n_recorded), passed=False, facts=facts)]
    rows, clustered = [], clustering(counts)
    for means in control_means(spells, counts, rng):
        contrasts = list(rows_of(means, (CONTROL_MEAN,), spec))
        contrasts = clustered.rows(contrasts) if clustered is not None else contrasts
        rows += contrasts
        findings += _verdict(contrasts, spec)
    return rows, findings


def _verdict(rows: list[Row], spec: CohortSpec) -> Iterator[Check]:
    """Check that the interval of the headline contrast of the control contains 0."""
    sides = spec.contrast(spec.analysis.contrasts[0])
    for difference in (row for row in rows if row["estimand"] == "control_difference"):
        if (difference["group"], difference["reference"]) != sides:
            continue
        low, high = difference["conf_low"], difference["conf_high"]
        adjusted = difference["adjusted"]
        yield Check(
            "control_difference", "means", sides[0], difference["estimate"], low, high,
            bound=0.0, passed=bool(low <= 0 <= high),
            facts={"case": adjusted, "reference": sides[1], "adjusted": adjusted},
        )  # fmt: skip
