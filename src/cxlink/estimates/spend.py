"""Means of spend with draws become rows."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from cxlink.cohort.spec import CohortSpec
from cxlink.estimates.retention import CONTRASTS, contrasted
from cxlink.estimates.table import row
from cxlink.models.spend import Means


def spend_rows(means: Means, spec: CohortSpec, headline: bool) -> Iterator[dict[str, Any]]:
    """Give mean spend by group, and contrasts of the means, zeros in.

    Parameters
    ----------
    means : Means
        With draws.
    spec : CohortSpec
        Its currency, contrasts and level.
    headline : bool
        Whether page one stands on these.
    """
    assert spec.spend is not None
    first = spec.contrast(spec.analysis.contrasts[0])
    level, currency = spec.analysis.level, spec.spend.currency
    for g in means.own:
        yield row(
            "spend", means.point[g], means.draws[:, g], level, currency, model="means", group=means.groups[g],
            headline=headline and means.groups[g] in first, n=int(means.n[g]), extrapolated=0.0, **means.labels,
        )  # fmt: skip
    for a, b in means.contrasts:
        sides = (means.groups[a], means.groups[b])
        for kind, contrast in CONTRASTS.items():
            value, drawn = contrasted(contrast, means.point, means.draws, a, b)
            if np.isnan(value):
                continue
            unit = "ratio" if kind == "ratio" else currency
            yield row(
                f"spend_{kind}", value, drawn, level, unit, model="means", group=sides[0], reference=sides[1],
                headline=headline and sides == first, n=int(means.n[a]), extrapolated=0.0, **means.labels,
            )  # fmt: skip
