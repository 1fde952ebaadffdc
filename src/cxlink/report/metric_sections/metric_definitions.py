"""What each metric is, and who says so: sentences of the language's file, with the facts of the spec."""

from collections.abc import Mapping

import pandas as pd

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.scales import label
from cxlink.estimands.simultaneous import SIMULTANEOUS
from cxlink.metrics.all_metrics import window_months
from cxlink.metrics.experience_metrics import nps_cuts, top_two
from cxlink.report.content import of_clusters
from cxlink.report.format import periods, units
from cxlink.report.words import say

WRITTEN = (
    "metric", "version", "segment", "period", "estimate", "std_error", "conf_low", "conf_high", "level", "unit", "n",
    "definition", "source",
)  # fmt: skip
"""The columns of ``metrics.csv``."""
_BY_VERSION = (
    "churn_rate", "retention_rate", "touchpoint_hazard_ratio", "touchpoint_spend_ratio",
    "driver_retention_gain", "driver_spend_gain",
)  # fmt: skip
_OTHER_OF_CLUSTERS = (
    "nps", "csat_top_two_box", "csat_mean", "ces_mean", "ces_top_two_box", "response_share", "churn_rate",
    "retention_rate", "driver_mean", "driver_retention_gain", "driver_spend_gain", "driver_retention_contrast",
    "driver_spend_contrast", "journey_mean", "journey_reached", "journey_first", "journey_last", "journey_path",
    "journey_retention_contrast", "journey_spend_contrast", "journey_trend",
)  # fmt: skip
"""Metrics whose errors over buckets of clusters, or intervals, are not those of independent customers."""
_EFFORT = ("version_1", "version_2", "non_standard")
_NON_STANDARD = ("nps", "csat_top_two_box", "csat_mean")


def definition(metric: str, version: str, spec: CohortSpec) -> str:
    """Define a metric as this cohort's spec makes it.

    Parameters
    ----------
    metric, version : str
        As in the metrics table.
    spec : CohortSpec
        Of the cohort.

    Raises
    ------
    KeyError
        If the language has no definition of it.
    """
    facts = _facts(version, spec)
    key = (
        f"metric_definitions.{metric}_{version}" if metric in _BY_VERSION else f"metric_definitions.{metric}"
    )
    defined = say(key, **facts)
    if metric in _NON_STANDARD and version == "non_standard":
        return say("metric_words.non_standard", definition=defined, scale=spec.score.scale)
    return say("metric_words.simultaneous", definition=defined) if version == SIMULTANEOUS else defined


def source(metric: str, spec: CohortSpec, version: str = "") -> str:
    """Name the source of a metric and of its interval in a cohort."""
    other = of_clusters(spec) and metric in _OTHER_OF_CLUSTERS
    named = say(f"metric_sources.{metric}_clusters" if other else f"metric_sources.{metric}")
    return say("metric_words.simultaneous_source", source=named) if version == SIMULTANEOUS else named


def with_definitions(metrics: pd.DataFrame, spec: CohortSpec) -> pd.DataFrame:
    """Give the metrics as ``metrics.csv`` has them: the segment in one column, with definition and source.

    Parameters
    ----------
    metrics : DataFrame
        See `cxlink.metrics.metric_table.COLUMNS`.
    spec : CohortSpec
        Of the cohort.

    Returns
    -------
    DataFrame
        With the columns `WRITTEN`.
    """
    everybody = metrics["variable"] == ""
    segment = (metrics["variable"] + "=" + metrics["category"]).where(~everybody, "")
    pairs = list(zip(metrics["metric"], metrics["version"], strict=True))
    defined = [definition(metric, version, spec) for metric, version in pairs]
    sources = [source(metric, spec, version) for metric, version in pairs]
    return metrics.assign(segment=segment, definition=defined, source=sources)[list(WRITTEN)]


def _facts(version: str, spec: CohortSpec) -> Mapping[str, object]:
    """Facts of the spec that a definition may name."""
    promoters, detractors = nps_cuts(spec) or ((), ())
    months = spec.metrics.contract_months if spec.metrics is not None else None
    term = (
        say("metric_words.own_term", column=months)
        if isinstance(months, str)
        else say("metric_words.term", n=months or 12, months=f"{months or 12:g}")
    )
    return {
        "promoters": label(promoters), "detractors": label(detractors), "best": label(top_two(spec)),
        "scale": spec.score.scale, "window": periods(window_months(spec), "month"), "term": term,
        "counted": say("metric_words.window_over" if spec.spend is not None else "metric_words.everybody"),
        "good": say("metric_words.high_is_good" if spec.scale.higher_is_better else "metric_words.low_is_good"),
        "effort": say(f"metric_words.effort_{version}") if version in _EFFORT else "",
        "calendar": units(spec.metrics.period if spec.metrics is not None else "quarter", 1),
        "horizon": periods(spec.horizon, spec.unit),
        "left_out": say("metric_words.by_bucket" if of_clusters(spec) else "metric_words.one_by_one"),
    }  # fmt: skip
