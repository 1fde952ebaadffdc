"""Means of spend with draws become rows."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.retention_rows import CONTRASTS, contrasted, held
from cxlink.estimands.tidy import row
from cxlink.spend.means import Means

Row = dict[str, Any]


def spend_rows(means: Means, spec: CohortSpec, headline: bool, model: str = "means") -> Iterator[Row]:
    """Give mean spend by group, and contrasts of the means, zeros in.

    Without refunds a mean is not under 0: an interval ends there, and a ratio to a draw of 0 is infinite.

    Parameters
    ----------
    means : Means
        With draws.
    spec : CohortSpec
        Its currency, contrasts and level.
    headline : bool
        Whether page one stands on these.
    model : str
        Whose they are.

    Raises
    ------
    ValueError
        If the spec has no spend.
    """
    if spec.spend is None:
        raise ValueError("the spec has no [spend]")
    sides = spec.contrast(spec.analysis.contrasts[0])
    floor = -np.inf if spec.spend.refunds else 0.0
    for g in means.own:
        shown = row(
            "spend", means.point[g], means.draws[:, g], spec.analysis.level, spec.spend.currency,
            headline=headline and means.groups[g] in sides, **_names(means, g, model),
        )  # fmt: skip
        shown = {**shown, "conf_low": np.maximum(shown["conf_low"], floor)}
        yield held(shown) if means.spent_nothing[g] else shown
    for a, b in means.contrasts:
        for kind, contrast in CONTRASTS.items():
            draws = np.maximum(means.draws, floor) if kind == "ratio" else means.draws
            value, drawn = contrasted(contrast, means.point, draws, a, b)
            if np.isnan(value):
                continue
            shown = row(
                f"spend_{kind}", value, drawn, spec.analysis.level,
                "ratio" if kind == "ratio" else spec.spend.currency, reference=means.groups[b],
                headline=headline and (means.groups[a], means.groups[b]) == sides, **_names(means, a, model),
            )  # fmt: skip
            yield held(shown) if means.spent_nothing[[a, b]].any() else shown


def _names(means: Means, g: int, model: str) -> Row:
    """Columns that say whose row it is."""
    return {
        "model": model,
        "group": means.groups[g],
        "n": int(means.n[g]),
        "extrapolated": 0.0,
        **means.labels,
    }
