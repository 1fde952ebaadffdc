"""Drivers as a tidy frame."""

import pandas as pd

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.other_scores import MAIN
from cxlink.estimands.simultaneous import SIMULTANEOUS
from cxlink.metrics.drivers.driver_metrics import CONTRASTS, GAINS, SHARES

COLUMNS = (
    "outcome", "quantity", "score", "column", "estimate", "std_error", "conf_low", "conf_high", "level", "unit", "n",
)  # fmt: skip
_OUTCOME = {metric: outcome for metrics in (GAINS, SHARES, CONTRASTS) for outcome, metric in metrics.items()}


def score_columns(spec: CohortSpec) -> dict[str, str]:
    """Give the column of the table that each score stands in, by name."""
    return {MAIN: spec.score.column, **{name: other.column for name, other in spec.others.items()}}


def score_labels(spec: CohortSpec) -> dict[str, str]:
    """Give what a report calls each score: the main one by its column, the others by the names that the spec gives."""
    return {MAIN: spec.score.column, **{name: name for name in spec.others}}


def driver_frame(table: pd.DataFrame, spec: CohortSpec) -> pd.DataFrame:
    """Set the rows of drivers out by outcome, quantity and score.

    Parameters
    ----------
    table : DataFrame
        Rows of the metrics table, as `driver_rows.drivers_of` gives them.
    spec : CohortSpec
        Of the cohort.

    Returns
    -------
    DataFrame
        ``outcome`` (``retention``, ``spend``; empty for means), ``quantity`` (``mean``, ``whole``, ``alone``,
        ``beyond``, ``shapley``, ``ahead``, ``share``, ``contrast``, ``simultaneous``: the contrast
        with an interval that holds together with those of all scores), ``score`` and its ``column`` (empty for
        ``whole``), ``estimate``, ``std_error``, ``conf_low``, ``conf_high``, ``level``, ``unit``, ``n``.
    """
    if not len(table):
        return pd.DataFrame(columns=list(COLUMNS))
    columns = score_columns(spec)
    order = {name: i for i, name in enumerate(("", *columns))}
    whole = {
        metric: what
        for what, names in (("share", SHARES), ("contrast", CONTRASTS))
        for metric in names.values()
    }
    frame = table.assign(
        outcome=table["metric"].map(_OUTCOME).fillna(""),
        quantity=[
            v if v == SIMULTANEOUS else whole.get(m, v or "mean")
            for m, v in zip(table["metric"], table["version"], strict=True)
        ],
        score=table["category"],
        column=table["category"].map(columns).fillna(""),
        place=table["category"].map(order),
    )
    frame = frame.sort_values(["outcome", "quantity", "place"], kind="stable", ignore_index=True)
    return frame[list(COLUMNS)]
