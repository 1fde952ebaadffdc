"""The metrics of the customer-experience trade, from counts, each with an interval."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from cxlink.checks import Check
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.metric_sums import SUMS, totals
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.strata import stratum_column
from cxlink.metrics.bucketed_metrics import by_bucket, over_buckets, without_interval
from cxlink.metrics.experience_metrics import Experience, experience_metrics
from cxlink.metrics.journey.journey_rows import journey_rows
from cxlink.metrics.members import member_rows
from cxlink.metrics.metric_intervals import MetricEstimate, ratio, share
from cxlink.metrics.metric_table import Row, metric_row, tidy_metrics
from cxlink.metrics.power_rows import power_rows
from cxlink.metrics.touchpoints import touchpoint_rows

RATIOS = {
    "transaction_size": "", "cost_to_serve": "", "contract_value": "as_signed",
    "contract_value_annualised": "annualised",
}  # fmt: skip
"""Ratios of sums over customers, and the version that each is."""
_INDEPENDENT = ("log_score_", "touchpoint_")
"""Metrics whose errors are not known over buckets of clusters."""
_ORIGINS = {"signup": "from_signup", "survey": "from_survey"}


def metrics_of(counts: Counts, rng: np.random.Generator) -> pd.DataFrame:
    """Give every metric that the counts allow; see `metric_table.COLUMNS`.

    Parameters
    ----------
    counts : Counts
        With the sums of ``[metrics]``; without, only the standard metrics of the answers that the scale allows, by
        quarter of the survey and by stratum.
    rng : Generator
        Draws the folds in which codings of the answers are compared; advanced.

    Returns
    -------
    DataFrame
        One row an estimate.
    """
    if counts.spec.metrics is None:
        table = _from_cells(counts)
        metrics = _metrics_of_answers(counts.spec)
        rows = [*_experience(table, counts.spec), *_response(table, counts.spec)] if metrics else []
        return tidy_metrics([*rows, *journey_rows(counts)])
    table = counts.metrics if len(counts.metrics) else _from_cells(counts)
    rows = [*_experience(table, counts.spec), *_response(table, counts.spec)]
    rows += [*_ratios(table, counts.spec), *_flows(table, counts.spec)]
    rows += [*power_rows(counts, rng), *touchpoint_rows(counts), *member_rows(counts, rng)]
    rows += journey_rows(counts)
    return tidy_metrics(rows if counts.spec.cohort.cluster is None else map(_over_buckets, rows))


def _over_buckets(row: Row) -> Row:
    """Leave out what takes customers as independent: the interval of what a coding predicts, of touchpoints' slopes."""
    if not str(row["metric"]).startswith(_INDEPENDENT):
        return row
    none = dict.fromkeys(("std_error", "conf_low", "conf_high"), np.nan)
    return {**row, **none, **({"estimate": np.nan} if row["unit"] == "p-value" else {})}


def immortal_time_checks(counts: Counts) -> Iterator[Check]:
    """Check that some customers were lost before the first survey; else churn from signup is too low."""
    table = counts.metrics[counts.metrics["variable"] == ""]
    surveys, lost = (table.loc[table["of"] == of, "period"] for of in ("survey.joined", "signup.lost"))
    if len(surveys) and len(lost) and lost.min() >= surveys.min():
        n = float(table.loc[table["of"] == "signup.lost", "n"].sum())
        yield Check("churn_from_signup", value=n, passed=False, facts={"first": str(surveys.min())})


def _from_cells(counts: Counts) -> pd.DataFrame:
    """Customers by answer, quarter of the survey and stratum: the table of a spec without ``[metrics]``."""
    cells, pieces = counts.cells, []
    for variable in ("", *counts.spec.stratum_variables):
        level = cells[stratum_column(variable)] if variable else ""
        own = ["score", "n", *(["bucket"] if "bucket" in cells else [])]
        part = cells[own].assign(of="answers", variable=variable, level=level, period=cells["wave"])
        pieces.append(part.assign(**dict.fromkeys(SUMS, 0.0)))
    return totals(pieces)


def _groups(table: pd.DataFrame) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """Segment, calendar period and rows of each group: over all periods, and in each recorded period."""
    for (variable, level), part in table.groupby(["variable", "level"], sort=True):
        segment = {"variable": str(variable), "category": str(level) if variable else ""}
        yield {**segment, "period": ""}, part
        for period, within in part.groupby("period", sort=True):
            if period:
                yield {**segment, "period": str(period)}, within


def _metrics_of_answers(spec: CohortSpec) -> list[Experience]:
    """Metrics of the answers: by themselves the standard ones only, with ``[metrics]`` the others as well."""
    return [one for one in experience_metrics(spec) if spec.metrics is not None or one.version == "standard"]


def _experience(table: pd.DataFrame, spec: CohortSpec) -> Iterator[Row]:
    answered = table[(table["of"] == "answers") & table["score"].notna()]
    metrics = _metrics_of_answers(spec)
    for group, part in _groups(answered):
        by_score = part.groupby("score")["n"].sum()
        answers = {int(level): float(n) for level, n in by_score.items()}  # type: ignore[call-overload]
        for metric in metrics:
            estimate = metric.measure(answers, spec.analysis.level)
            if spec.cohort.cluster is not None:
                estimate = _of_clusters(estimate, part, spec, ("n", metric.points, part), metric.bounds)
            yield metric_row(
                metric.metric,
                estimate,
                spec.analysis.level,
                version=metric.version,
                unit=metric.unit,
                **group,
            )


_Above = tuple[str, Callable[[int], float] | None, pd.DataFrame]
"""What is added up above the fraction bar: a column, times the points of a score, and of which rows."""


def _of_clusters(
    estimate: MetricEstimate, part: pd.DataFrame, spec: CohortSpec, above: _Above, bounds: tuple[float, float],
    *, weight: str = "n",
) -> MetricEstimate:  # fmt: skip
    """Give an estimate its error over buckets of clusters; none where the buckets are no longer known."""
    if "bucket" not in part:
        return without_interval(estimate)
    column, points, rows = above
    sums = {"x": by_bucket(rows, column, points), "w": by_bucket(part, weight), "n": by_bucket(part, "n")}
    return over_buckets(estimate, sums, spec.analysis.level, bounds)


def _response(table: pd.DataFrame, spec: CohortSpec) -> Iterator[Row]:
    """Share of the customers who answered, by segment; none of a table that holds respondents only.

    A touchpoint and a calendar period are those of an answer, so there is no share by them.
    """
    everybody = table[(table["of"] == "answers") & (table["variable"] != "touchpoint")]
    if not everybody["score"].isna().any():
        return
    for group, part in _groups(everybody.assign(period="")):
        who = part[part["score"].notna()]
        estimate = share(float(who["n"].sum()), float(part["n"].sum()), spec.analysis.level)
        if spec.cohort.cluster is not None:
            estimate = _of_clusters(estimate, part, spec, ("n", None, who), (0.0, 1.0))
        yield metric_row("response_share", estimate, spec.analysis.level, unit="probability", **group)


def _ratios(table: pd.DataFrame, spec: CohortSpec) -> Iterator[Row]:
    currency = spec.spend.currency if spec.spend is not None else "amount"
    for metric, version in RATIOS.items():
        mine = table[table["of"] == metric]
        if not len(mine):
            continue
        everybody = mine[mine["variable"] == ""]
        scored = everybody[everybody["score"].notna()]
        by_score = [
            ({"variable": "score", "category": str(k)}, part)
            for k, part in scored.groupby("score", sort=True)
        ]
        for group, part in [*_groups(mine), *by_score]:
            estimate = _ratio(metric, part, spec)
            if spec.cohort.cluster is not None:
                estimate = _ratio_of_clusters(estimate, metric, part, spec)
            yield metric_row(metric, estimate, spec.analysis.level, version=version, unit=currency, **group)


def _ratio(metric: str, part: pd.DataFrame, spec: CohortSpec) -> MetricEstimate:
    """Σx/Σw; where each customer counts once w is 1, or the years of the window that a cost is counted over."""
    n, sums = int(part["n"].sum()), {name: float(part[name].sum()) for name in SUMS}
    if metric != "transaction_size":
        years = window_months(spec) / 12 if metric == "cost_to_serve" else 1.0
        sums |= {"w": years * n, "ww": years**2 * n, "xw": years * sums["x"]}
    return ratio(n, (sums["x"], sums["xx"]), (sums["w"], sums["ww"]), sums["xw"], spec.analysis.level)


def _ratio_of_clusters(
    estimate: MetricEstimate, metric: str, part: pd.DataFrame, spec: CohortSpec
) -> MetricEstimate:
    """Give a ratio its error over buckets; of one per year, that of the sum per customer, by the years."""
    ends = 0.0, float(np.inf)
    if metric == "transaction_size":
        return _of_clusters(estimate, part, spec, ("x", None, part), ends, weight="w")
    years = window_months(spec) / 12 if metric == "cost_to_serve" else 1.0
    yearly = part.assign(x=part["x"] / years)
    return _of_clusters(estimate, yearly, spec, ("x", None, yearly), ends)


def window_months(spec: CohortSpec) -> int:
    """Months over which support cost is counted: `window_months` of ``[metrics]``, else the spend window, else 12."""
    months = spec.metrics.window_months if spec.metrics is not None else None
    return months or (spec.spend.window_months if spec.spend is not None else 12)


def _flows(table: pd.DataFrame, spec: CohortSpec) -> Iterator[Row]:
    """Churn and retention rates by calendar period, and over all periods (customers counted once a period)."""
    level = spec.analysis.level
    for origin, version in _ORIGINS.items():
        flows = [f"{origin}.{name}" for name in ("start", "lost", "end", "joined_end")]
        for group, part in _groups(table[table["of"].isin(flows)]):
            size = part.groupby("of")["n"].sum()
            start, lost, end, joined_end = (int(size.get(name, 0)) for name in flows)
            if not start:
                continue
            named = {"version": version, "unit": "probability", **group}
            churned, kept = share(lost, start, level), share(end - joined_end, start, level)
            if spec.cohort.cluster is not None:
                churned, kept = _flows_of_clusters((churned, kept), part, flows, spec)
            yield metric_row("churn_rate", churned, level, **named)
            yield metric_row("retention_rate", kept, level, **named)


def _flows_of_clusters(
    estimates: tuple[MetricEstimate, MetricEstimate],
    part: pd.DataFrame,
    flows: Sequence[str],
    spec: CohortSpec,
) -> tuple[MetricEstimate, MetricEstimate]:
    """Give churn and retention rates their errors over buckets."""
    if "bucket" not in part:
        return without_interval(estimates[0]), without_interval(estimates[1])
    start, lost, end, joined_end = (by_bucket(part[part["of"] == of], "n") for of in flows)
    churned, kept = (
        over_buckets(one, {"x": x, "w": start, "n": start}, spec.analysis.level, (0.0, 1.0))
        for one, x in zip(estimates, (lost, end - joined_end), strict=True)
    )
    return churned, kept
