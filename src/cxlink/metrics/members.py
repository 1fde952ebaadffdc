"""Members of a loyalty programme against other customers: a contrast that is not evidence of an effect of membership.

Members select themselves: customers who stay and spend more join more readily. Plain comparisons show 12–18 % more
spend; after allowing for self-selection little of that remains (Leenheer, van Heerde, Bijmolt and
Smidts 2007, International Journal of Research in Marketing 24(1):31–47). Standardisation
removes the part that the strata explain.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from cxlink.cohort.count.counts import Counts, add_up
from cxlink.cohort.count.spells import spells_of
from cxlink.estimands.contrasts import with_contrasts
from cxlink.estimands.headline import headline
from cxlink.estimands.over_clusters.clustered_rows import clustering
from cxlink.metrics.metric_intervals import MetricEstimate
from cxlink.metrics.metric_table import Row, metric_row

_MODELS = {"retention": "kaplan_meier", "spend": "means"}
_MEMBERS = {"best": "yes", "worst": "no"}


def member_counts(counts: Counts) -> Counts | None:
    """Scored customers, counted by membership (1, 0) in place of the score; None where one side is empty."""
    if "member" not in counts.cells:
        return None
    cells = counts.scored
    cells = cells[cells["member"].isin(["yes", "no"])]
    cells = cells.assign(score=(cells["member"] == "yes").astype("Int64")).drop(columns="member")
    if cells["score"].nunique() < 2:
        return None
    score = counts.spec.score.model_copy(
        update={"scale": "0-1", "higher_is_better": True, "worst": (0,), "best": (1,)}
    )
    analysis = counts.spec.analysis.model_copy(update={"contrasts": ("best:worst",), "target": "scored"})
    spec = counts.spec.model_copy(update={"score": score, "analysis": analysis, "metrics": None})
    return replace(counts, cells=add_up(cells), spec=spec)


def member_rows(counts: Counts, rng: np.random.Generator) -> Iterator[Row]:
    """Retention at the horizon and spend of members and others, unadjusted and standardised, with their contrasts.

    Parameters
    ----------
    counts : Counts
        With ``[metrics] member``; without, there is no row.
    rng : Generator
        Advanced.
    """
    cohort = member_counts(counts)
    if cohort is None:
        return
    rows, _ = headline(spells_of(cohort), cohort, rng)
    clustered = clustering(cohort)
    rows = clustered.rows(rows) if clustered is not None else rows
    spec = cohort.spec
    wanted = with_contrasts(_MODELS)
    rows = [
        row for row in rows if row["estimand"] in wanted and _main(row, wanted[row["estimand"]], spec.horizon)
    ]
    smaller = min((row["n"] for row in rows if row["estimand"] in _MODELS), default=0)
    for row in rows:
        single = row["estimand"] in _MODELS
        n = row["n"] if single else smaller
        estimate = MetricEstimate(row["estimate"], row["std_error"], row["conf_low"], row["conf_high"], n)
        how = "standardised" if row["adjusted"] == "standardised" else "unadjusted"
        side = {"variable": "member", "category": _MEMBERS[row["group"]]} if single else {}
        yield metric_row(
            f"member_{row['estimand']}", estimate, spec.analysis.level, version=how, unit=row["unit"], **side
        )


def _main(row: Row, outcome: str, horizon: int) -> bool:
    """Whether a row is about all members or all others, at the horizon."""
    if row["model"] != _MODELS[outcome] or row["group"] not in _MEMBERS:
        return False
    if row.get("stratum") or row.get("scenario"):
        return False
    return outcome == "spend" or row["horizon"] == horizon
