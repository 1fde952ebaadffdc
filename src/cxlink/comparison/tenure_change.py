"""Change of expected tenure between two cohorts, each continued beyond follow-up by hazards of its own."""

from typing import Any

import numpy as np

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.estimands.model_rows.spliced_rows import tenure_curves
from cxlink.estimands.survival_estimands import restricted_mean
from cxlink.estimands.tidy import interval

Row = dict[str, Any]
_STREAM = 5


def tenure_rows(base: Counts, new: Counts) -> list[Row]:
    """Give the change of restricted mean survival time (RMST) of each group, as the cohorts are: it is not split.

    Both are the curves that a report has (model ``spliced``, unadjusted), to the horizons that both specs name. Draws
    of the cohorts are independent, and so are their extrapolation errors: where both err alike the interval is too
    wide.

    Parameters
    ----------
    base, new : Counts
        Of the same kind.

    Returns
    -------
    list of dict
        Rows of the table of changes, part ``total``. None where nothing is followed; nor of customers in clusters,
        since an account may be in both cohorts.
    """
    if any(one.spec.subscription is None or one.spec.cluster_column is not None for one in (base, new)):
        return []
    seed, level = base.spec.analysis.seed, base.spec.analysis.level
    before, after = (
        _means(one, np.random.default_rng([seed, _STREAM, at])) for at, one in enumerate((base, new))
    )
    rows = []
    for key in [key for key in before if key in after]:
        (group, horizon), (was, drawn), (is_now, drawn_now) = key, before[key], after[key]
        error, low, high = interval(drawn_now - drawn, level)
        change = is_now - was
        rows.append({
            "base": base.spec.cohort.name, "cohort": new.spec.cohort.name, "estimand": "tenure", "group": group,
            "horizon": horizon, "part": "total", "estimate": change, "std_error": error,
            "conf_low": min(float(low), change), "conf_high": max(float(high), change), "unit": base.spec.unit,
        })  # fmt: skip
    return rows


def _means(counts: Counts, rng: np.random.Generator) -> dict[tuple[str, int], tuple[float, np.ndarray]]:
    """Unadjusted restricted means and their draws, by group and horizon; those that are estimable."""
    curves = tenure_curves(spells_of(counts), counts.spec, rng)[0]
    means = restricted_mean(curves)
    return {
        (curves.groups[g], int(place["horizon"])): (float(means.point[g, h]), means.draws[:, g, h])
        for g in curves.own
        for h, place in enumerate(means.places)
        if np.isfinite(means.point[g, h])
    }
