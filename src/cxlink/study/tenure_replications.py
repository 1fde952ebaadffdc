"""Replications of the study's tenure: bias and coverage of restricted means beyond follow-up.

Cohorts are drawn as counts, followed for as many months as the sample's; only what makes expected tenure is estimated.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.estimands.model_rows.spliced_rows import tenure_means
from cxlink.groups.curves import restricted_mean
from cxlink.stages import Progress, announce
from cxlink.study.cells import draw, spec_of
from cxlink.study.processes import Process, processes
from cxlink.study.replications import added, band_mean, joint_shares, summary, tally
from cxlink.study.truth import cell_survival

COHORTS = 100
"""At most: a cohort takes a hundred times as long as one of retention and spend."""
HORIZONS = (36, 60, 120)
FIGURE = "restricted_mean_tenure"
_NAME = "study_subscription"
_FOLLOW_UP = dict.fromkeys(range(10, 28), 1 / 18)
"""Whole months from a survey in January 2024 to June 2025 to the end of April 2026, each as likely."""
_BATCH = 10
Row = dict[str, Any]


def repeated_tenure(
    cohorts: int, customers: int, draws: int, seed: int, progress: Progress
) -> list[dict[str, object]]:
    """Draw the study's subscribers repeatedly, and summarise their expected tenure.

    Parameters
    ----------
    cohorts, customers : int
        Number of cohorts, and of customers scored in each.
    draws : int
        Of each estimate.
    seed : int
        Of all cohorts.
    progress : callable
        Told how many cohorts are made.

    Returns
    -------
    list of dict
        Rows as `cxlink.study.repeated.COLUMNS` has them: a horizon and band each.
    """
    law = replace(processes()[_NAME], survival=cell_survival()[:, :, : max(HORIZONS) + 1], spending=None)
    rng = np.random.default_rng([seed, len(processes())])
    batches: dict[int, list[pd.DataFrame]] = {horizon: [] for horizon in HORIZONS}
    for first in range(0, cohorts, _BATCH):
        announce(progress, "replications_tenure", done=first, cohorts=cohorts)
        made = [tenure_rows(law, customers, draws, rng) for _ in range(min(_BATCH, cohorts - first))]
        for horizon, kept in batches.items():
            kept.append(tally(row for rows in made for row in rows if row["horizon"] == horizon))
    found = {horizon: summary(added(parts), cohorts) for horizon, parts in batches.items()}
    return [
        {**row, "cohorts": cohorts, "customers": customers}
        for horizon, table in found.items()
        for row in _rows(horizon, table)
    ]


def tenure_rows(law: Process, customers: int, draws: int, rng: np.random.Generator) -> list[Row]:
    """Rows of expected tenure of both bands in one cohort, each with its ``truth``: that of the cohort's own mix."""
    counts = draw(law, customers, spec_of(law, draws, horizons=HORIZONS), rng, _FOLLOW_UP)
    truth = true_tenure(law, counts)
    rows = tenure_means(spells_of(counts), counts.spec, rng)
    keyed = [(row, (row["group"], row["horizon"])) for row in rows if not row.get("reference")]
    return [{**row, "truth": truth[key]} for row, key in keyed if key in truth]


def true_tenure(law: Process, counts: Counts) -> dict[tuple[str, int], float]:
    """Standardised restricted means of both bands, by band and horizon, of the mix of a cohort."""
    if law.survival is None:
        return {}
    shares = joint_shares(counts, law.scored.shape)
    curve = np.einsum("g,gst->st", shares.sum(axis=1), law.survival)
    bands = {"worst": law.worst, "best": law.best}
    return {
        (name, horizon): band_mean(shares, restricted_mean(curve, horizon), levels)
        for name, levels in bands.items()
        for horizon in HORIZONS
    }


def _rows(horizon: int, table: pd.DataFrame) -> Iterator[dict[str, object]]:
    for group in ("worst", "best"):
        row: dict[str, object] = {"figure": FIGURE, "group": group, "unit": "month", "horizon": horizon}
        for name, adjusted in (("naive", "no"), ("adjusted", "standardised")):
            at = table["group"].eq(group) & table["adjusted"].eq(adjusted)
            one = table[at].iloc[0]
            row |= {"truth": one["truth"], f"{name}_bias": one["bias"], f"{name}_coverage": one["coverage"]}
        yield row
