"""A negative control: an outcome that the score cannot have changed, averaged as spend is.

Lipsitch, Tchetgen Tchetgen & Cohen (2010), doi 10.1097/EDE.0b013e3181d61eeb.
"""

from dataclasses import replace

import numpy as np
from scipy.sparse import vstack

from cxlink.cohort.count.counts import CONTROL, SPEND, Counts
from cxlink.cohort.count.spells import SPEND_MOMENTS, Spells, spells_of
from cxlink.groups.headline_requests import spend_requests
from cxlink.spend.means import Means, cell_means, mean_spend
from cxlink.survival.kaplan_meier import kaplan_meier


def control_spells(counts: Counts) -> Spells:
    """Collect the scored customers with the sums of the negative control where those of spend are."""
    cells = counts.cells.drop(columns=[name for name in SPEND if name in counts.cells])
    cells = cells.rename(columns=dict(zip(CONTROL, SPEND_MOMENTS, strict=True)))
    return spells_of(replace(counts, cells=cells))


def varies(spells: Spells) -> bool:
    """Whether the negative control has more than one value: nΣx² over (Σx)², beyond what rounding makes of it."""
    n, total, squares = spells.spend.sum(axis=0)
    return bool(n * squares - total**2 > 1e-12 * n * squares)


def control_means(spells: Spells, counts: Counts, rng: np.random.Generator) -> list[Means]:
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
