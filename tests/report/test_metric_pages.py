"""The pages of metrics: what they show of the table, what they say of it, and what they leave out."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import made_up
import pandas as pd
import pytest
from as_read import cells, sentences, table
from test_pdf import CAUSAL

from cxlink.cohort.errors import InputError
from cxlink.metrics.metric_intervals import MetricEstimate
from cxlink.metrics.metric_table import metric_row, tidy_metrics
from cxlink.report.content import gather
from cxlink.report.document import Block, Strong
from cxlink.report.figures.metric_figures import known_over_time, metric_over_time, metrics_over_time
from cxlink.report.metric_sections.metric_definitions import _OTHER_OF_CLUSTERS
from cxlink.report.metric_sections.metric_section import metric_pages
from cxlink.report.references import cited
from cxlink.report.words import say
from cxlink.results import Results

NAN = float("nan")
POWER = {"full_score": 20.0, "linear": 16.0, "nps_class": 10.0, "top_two_box": 5.0}


def made(metric: str, value: float, reach: float, n: int = 400, **columns: str) -> dict[str, Any]:
    found = MetricEstimate(value, reach / 2, value - reach, value + reach, n)
    return metric_row(metric, found, 0.95, **columns)


def rows() -> Iterator[dict[str, Any]]:
    for k, period in enumerate(["", "2025Q1", "2025Q2", "2025Q3"]):
        yield made("nps", 30 + k, 4, version="standard", unit="points", period=period)
        yield made(
            "churn_rate", 0.05 + k / 100, 0.01, version="from_signup", unit="probability", period=period
        )
        yield made(
            "churn_rate", 0.08 - k / 100, 0.01, version="from_survey", unit="probability", period=period
        )
    yield made("cost_to_serve", 41.257, 2, unit="EUR")
    yield made("contract_value", 1234.5, 60, version="as_signed", unit="EUR")
    for (name, category), value in {
        ("plan", "a"): 12.0,
        ("plan", "b"): 48.0,
        ("touchpoint", "web"): 31.0,
    }.items():
        yield made("nps", value, 6, 150, version="standard", unit="points", variable=name, category=category)
    for outcome in ("retention", "spend"):
        for reading, gain in POWER.items():
            yield made(f"log_score_{outcome}", gain, 3, version=reading, unit="millinat")
            if reading != "full_score":
                yield made(
                    f"log_score_{outcome}_ahead",
                    gain - 20,
                    5,
                    version=reading,
                    unit="millinat",
                )
    for how in ("alone", "together"):
        for name, value in {"phone": 0.8, "web": 0.93}.items():
            yield made(
                "touchpoint_hazard_ratio",
                value,
                0.02,
                version=how,
                unit="ratio",
                variable="touchpoint",
                category=name,
            )
    p = metric_row("touchpoint_hazards_differ", MetricEstimate(0.0004, NAN, NAN, NAN, 300), 0.95, version="together",
                   unit="p-value")  # fmt: skip
    yield p
    for how in ("unadjusted", "standardised"):
        yield made(
            "member_retention", 0.7, 0.03, version=how, unit="probability", variable="member", category="yes"
        )
        yield made(
            "member_retention", 0.6, 0.03, version=how, unit="probability", variable="member", category="no"
        )
        yield made("member_retention_difference", 0.1, 0.04, version=how, unit="probability")
        yield made("member_retention_ratio", 1.167, 0.06, version=how, unit="ratio")


def given(metrics: pd.DataFrame) -> Results:
    return replace(made_up.results(), metrics=metrics)


@pytest.fixture(scope="module")
def parts() -> list[Block]:
    return metric_pages(gather(given(tidy_metrics(rows()))))


def test_every_metric_stands_with_its_interval_definition_and_source(parts: list[Block]) -> None:
    found = cells(parts, "The metrics of all customers")
    assert found["Net promoter score"] == ["30.0 [26.0,\u00a034.0]", "400"]
    assert found["Churn rate per quarter, from signup"][0] == "5.0\u202f% [4.0,\u00a06.0]"
    assert found["Cost to serve, per customer and year"][0] == "EUR\u202f41.26 [39.26,\u00a043.26]"
    assert found["Average contract value, as signed"][0].startswith("EUR\u202f1\u202f23")
    said = [run for part in parts if part.kind == "bullets" for item in part.items for run in item]
    names = [run.text for run in said if isinstance(run, Strong)]
    texts = [run for run in said if isinstance(run, str)]
    assert names == [
        "Net promoter score.", "Churn rate, from signup.", "Churn rate, from the survey on.",
        "Cost to serve, per customer and year.", "Average contract value, as signed.",
    ]  # fmt: skip
    assert texts[0].startswith(" % promoters (")
    assert "Source: Reichheld (2003)" in texts[0]
    assert texts[1].startswith(
        " Customers lost in the quarter ÷ customers at its start; customers count from signup"
    )
    assert "measured over 12 months; customers with a complete window" in texts[3]


def test_segments_stand_beside_each_other(parts: list[Block]) -> None:
    shown = table(parts, "Metrics by segment")
    assert [row[0] for row in shown.rows] == ["plan: a", "plan: b", "touchpoint: web"]
    assert shown.rows[1][1:] == ["150", "48.0 [42.0,\u00a054.0]"]
    assert shown.rules == (2,)


def test_the_coding_that_predicts_best_is_named_and_what_differs_from_each_answer(parts: list[Block]) -> None:
    said = sentences(parts)
    assert (
        "Retention: each answer separately predicts best; as a share of its predictive value, the answer as a number "
        "(linear)" in said
    )
    assert "80\u202f%, promoter, passive or detractor 50\u202f% and top two boxes or not 25\u202f%." in said
    assert (
        "Smaller than that of each answer separately (the interval excludes no difference): promoter, passive or "
        "detractor and top two boxes" in said
    )
    none = tidy_metrics(made("log_score_spend", 1, 3, version=v, unit="millinat") for v in POWER)
    alone = pd.concat([none, tidy_metrics([made("nps", 3, 1, unit="points")])])
    assert "Spend: in this cohort the interval of no coding excludes a predictive value of zero" in sentences(
        metric_pages(gather(given(alone)))
    )


def test_touchpoints_and_members_come_with_their_warnings(parts: list[Block]) -> None:
    assert cells(parts, "Associations of one point towards better")["phone"] == [
        "400", "0.800 [0.780,\u00a00.820]", "0.800 [0.780,\u00a00.820]",
    ]  # fmt: skip
    said = sentences(parts)
    assert "not assigned to touchpoints at random" in said
    assert "ratios of the hazard of loss differ significantly in this cohort (p < 0.001)" in said
    assert "Members chose to be members" in sentences(parts, "notice")
    shown = cells(parts, "Members of the loyalty programme")
    assert shown["Retained after 12 months (%), standardised"] == [
        "70.0 [67.0,\u00a073.0]", "60.0 [57.0,\u00a063.0]", "10.0 [6.0,\u00a014.0]", "1.17 [1.11,\u00a01.23]",
    ]  # fmt: skip
    sources = cited([gather(given(tidy_metrics(rows())))])
    for name in ("Leenheer", "Rocks", "Reichheld", "Gneiting"):
        assert any(source.startswith(name) for source in sources)


def test_of_customers_in_accounts_no_interval_is_said_to_be_that_of_independent_ones() -> None:
    results = given(tidy_metrics(rows()))
    spec = results.spec
    accounts = spec.model_copy(update={"cohort": spec.cohort.model_copy(update={"cluster": "account"})})
    counts = replace(results.counts, spec=accounts)
    page = metric_pages(gather(replace(results, counts=counts)))
    runs = [run for part in page if part.kind == "bullets" for item in part.items for run in item]
    said = " ".join(run for run in runs if isinstance(run, str))
    assert "HBR 81(12):46–54; interval: Student’s, ratio of sums over buckets of clusters" in said
    assert not any(name in said for name in ("Wilson", "Rocks (2016)"))


def test_every_source_of_clusters_is_one_of_a_metric() -> None:
    """By name: a metric whose interval is over buckets names no interval of independent customers."""
    independent = re.compile("Wilson|Rocks|MacKinnon|White|robust covariance|normal interval|leave-one-out")
    for metric in _OTHER_OF_CLUSTERS:
        own = say(f"metric_sources.{metric}_clusters")
        assert "bucket" in own
        assert not independent.search(own)
        assert own != say(f"metric_sources.{metric}")


def test_no_word_of_it_is_causal(parts: list[Block]) -> None:
    texts = [sentences(parts), sentences(parts, "notice")]
    texts += [
        part.caption + " ".join(getattr(part, "notes", ())) for part in parts if hasattr(part, "caption")
    ]
    assert not [
        found.group() for text in texts for found in CAUSAL.finditer(re.sub("customer effort", "", text))
    ]


def test_time_is_drawn_and_spoken(parts: list[Block]) -> None:
    (figure,) = (part for part in parts if part.kind == "figure")
    assert figure.name == "metrics-over-time"
    assert "Net promoter score: 31.0 [27.0,\u00a035.0] in 2025Q1" in figure.alt
    metrics = tidy_metrics(rows())
    assert list(known_over_time(metrics)) == [
        ("nps", "standard"), ("churn_rate", "from_signup"), ("churn_rate", "from_survey"),
    ]  # fmt: skip
    figure_axes = metrics_over_time(metrics).get_figure()
    assert figure_axes is not None
    drawn = [axes for axes in figure_axes.axes if axes.axison]
    assert [axes.get_ylabel() for axes in drawn] == ["Net promoter score\n(points)", "Churn rate\n(%)"]
    assert len(drawn[1].containers) == 2
    heights = drawn[0].containers[0].lines[0].get_ydata()
    assert list(heights) == [31, 32, 33]
    assert metric_over_time(metrics, "churn_rate").get_ylabel() == "Churn rate\n(%)"
    with pytest.raises(InputError, match="cost_to_serve: not known in two calendar periods"):
        metric_over_time(metrics, "cost_to_serve")


def test_nothing_is_written_where_there_are_none() -> None:
    assert metric_pages(gather(made_up.results())) == []
    assert metric_pages(gather(given(tidy_metrics([])))) == []


def test_blank_rows_are_dashes() -> None:
    blank = tidy_metrics([{**made("nps", NAN, NAN, unit="points"), "n": None}])
    shown = metric_pages(gather(given(blank)))
    assert cells(shown, "The metrics of all customers")["Net promoter score"] == ["–", "–"]
    assert "too few customers" in table(shown, "The metrics of all customers").notes[0]
