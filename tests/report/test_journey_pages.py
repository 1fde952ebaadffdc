"""The section about touchpoints: words that follow the intervals and the tests."""

from dataclasses import replace

import made_up
import numpy as np
import pandas as pd
import pytest
from as_read import cells, sentences, table
from matplotlib.figure import Figure

from cxlink import InputError
from cxlink.checks import Check
from cxlink.display import Analysis
from cxlink.metrics.metric_table import tidy_metrics
from cxlink.report.content import gather
from cxlink.report.document import Block
from cxlink.report.figures.journey_figure import journey, journey_sheet
from cxlink.report.metric_sections.journey_section import journey_pages
from cxlink.report.metric_sections.metric_definitions import with_definitions

CONTACTS = {
    "table": "contacts.csv", "on": "id", "touchpoint": "where", "score": "rating", "scale": "1-5", "date": "on_day",
    "segment": "plan",
}  # fmt: skip
DATED = {"survey": "asked", "end": "left", "observed_until": "2025-12-31"}
SPEC = {"cohort": {"id": "id"}, "subscription": DATED, "touchpoints": CONTACTS}


def _row(metric: str, name: str, value: tuple[float, float, float], **more: object) -> dict[str, object]:
    estimate, low, high = value
    return {
        "metric": metric, "variable": "touchpoint", "category": name, "estimate": estimate, "std_error": 0.1,
        "conf_low": low, "conf_high": high, "level": 0.95, "unit": "score", "n": 400, **more,
    }  # fmt: skip


def _metrics(web_low: float = 0.02, p: float = 0.0004) -> pd.DataFrame:
    none = (float("nan"),) * 2
    chance = {"unit": "probability"}
    contrast = "journey_retention_contrast"
    rows = [
        _row("journey_mean", "phone", (3.1, 3.0, 3.2)), _row("journey_mean", "web", (4.2, 4.1, 4.3), n=900),
        *(_row("journey_mean", "web", (4.0, 3.9, 4.1), period=one) for one in ("2024Q1", "2024Q3")),
        _row("journey_mean", "phone", (1.0, 0.0, 2.0), period="2023Q1", n=3),
        _row("journey_mean", "basic", (4.1, 4.0, 4.2), version="web", variable="plan", n=500),
        _row(contrast, "phone", (0.04, 0.01, 0.07), version="alone", **chance),
        _row(contrast, "web", (0.06, 0.03, 0.09), version="alone", **chance),
        _row(contrast, "phone", (0.001, -0.02, 0.02), version="partial", **chance),
        _row(contrast, "web", (0.05, web_low, 0.08), version="partial", **chance),
        _row(contrast, "phone", (0.001, -0.031, 0.033), version="simultaneous", **chance),
        _row(contrast, "web", (0.05, 0.011, 0.089), version="simultaneous", **chance),
        _row(contrast, "basic", (0.07, 0.01, 0.13), version="partial:web", variable="plan", **chance),
        _row("journey_trend", "phone", (0.01, -0.02, 0.04)), _row("journey_trend", "web", (-0.05, -0.07, -0.03)),
        _row("journey_trend_test", "phone", (0.6, *none), unit="p-value"),
        _row("journey_trend_test", "web", (p, *none), unit="p-value"),
        *(_row(f"journey_{end}", "phone", (0.5, 0.4, 0.6), **chance) for end in ("first", "last")),
        *(_row(f"journey_{end}", "web", (0.5, 0.4, 0.6), **chance) for end in ("first", "last")),
        _row("journey_path", "web", (0.4, 0.3, 0.5), variable="path", **chance),
        _row("journey_path", "web → phone", (0.6, 0.5, 0.7), variable="path", **chance),
    ]  # fmt: skip
    return tidy_metrics(rows)


def _page(metrics: pd.DataFrame | None = None, *checks: Check, cluster: str | None = None) -> list[Block]:
    made = made_up.results({**SPEC, "cohort": {"id": "id", "cluster": cluster}})
    known = (Check("journey_customers", value=1200.0), *checks)
    return journey_pages(
        gather(replace(made, metrics=_metrics() if metrics is None else metrics, checks=known))
    )


def test_the_page_names_what_excludes_zero_and_what_changed() -> None:
    said = sentences(_page())
    assert "at one or more of 2 touchpoints before they gave it, or on that day: phone and web." in said
    assert "retained per hundred at web 5.0 [2.0,\u00a08.0]." in said
    assert "The interval of phone includes 0." in said
    assert "at web the score worsened, by −0.050 [−0.070,\u00a0−0.030] points (p under 0.001)." in said
    assert "at phone" not in said


def test_where_nothing_is_shown_the_page_says_so() -> None:
    said = sentences(_page(_metrics(web_low=-0.01, p=0.06)))
    assert "the interval of every touchpoint includes 0" in said
    assert "no linear trend of the score is shown at any of the 2 touchpoints" in said


def _without_intervals(*names: str) -> pd.DataFrame:
    """Contrasts and trends of touchpoints behind which too few clusters stand: estimates alone, and no test."""
    made = _metrics()
    own = made["category"].isin(names)
    made.loc[own, ["std_error", "conf_low", "conf_high"]] = np.nan
    made.loc[own & (made["metric"] == "journey_trend_test"), "estimate"] = np.nan
    return made


def test_of_customers_in_accounts_the_page_says_that_errors_are_over_buckets() -> None:
    page = _page(cluster="account")
    notes = [str(one) for one in table(page, "Mean of the last score").notes]
    assert any(
        "leaving out one bucket of clusters at a time; those of means, shares and trends" in one
        for one in notes
    )
    assert any("Bell and McCaffrey (2002)" in one for one in notes)
    assert not any("Robust standard errors" in one or "robust covariance" in one for one in notes)
    plain = [str(one) for one in table(_page(), "Mean of the last score").notes]
    assert any("Robust standard errors" in one for one in plain)


def test_where_too_few_accounts_stand_behind_it_nothing_is_said_to_include_zero() -> None:
    said = sentences(_page(_without_intervals("phone", "web"), cluster="account"))
    assert "no touchpoint has an interval: too few clusters of customers stand behind them" in said
    assert "includes 0" not in said
    assert "no trend is tested: too few clusters of customers stand behind the quarters" in said
    some = sentences(_page(_without_intervals("phone"), cluster="account"))
    assert "retained per hundred at web 5.0" in some
    assert "Too few clusters of customers stand behind phone for an interval." in some
    assert "includes 0" not in some
    assert "at web the score worsened" in some


def test_a_trend_that_is_not_tested_is_none_that_is_not_shown() -> None:
    metrics = _without_intervals("phone")
    metrics.loc[(metrics["metric"] == "journey_trend_test") & (metrics["category"] == "web"), "estimate"] = (
        0.3
    )
    said = sentences(_page(metrics, cluster="account"))
    assert "no linear trend of the score is shown." in said


def test_the_figure_draws_estimates_without_intervals() -> None:
    left = journey_sheet(_without_intervals("phone", "web"))
    assert [label.get_text() for label in left.get_yticklabels()] == ["phone", "web"]


def test_sources_of_customers_in_accounts_are_those_of_errors_over_buckets() -> None:
    spec = made_up.results({**SPEC, "cohort": {"id": "id", "cluster": "account"}}).spec
    written = with_definitions(_metrics(), spec).set_index("metric")["source"]
    assert not written[written.index != "journey_trend_test"].str.contains("Wilson|MacKinnon|robust").any()
    assert written["journey_trend"].str.contains("Liang and Zeger").all()
    plain = with_definitions(_metrics(), made_up.results(SPEC).spec)
    assert not plain["source"].str.contains("buckets").any()
    at_once = plain["version"] == "simultaneous"
    assert at_once.sum() == 2
    assert plain.loc[at_once, "definition"].str.contains("hold at once").all()
    assert plain.loc[at_once, "source"].str.contains("robust covariance.*sup-t, Montiel Olea").all()
    assert not plain.loc[~at_once, "source"].str.contains("sup-t").any()


def test_tables_give_means_contrasts_order_paths_and_segments() -> None:
    page = _page()
    assert cells(page, "Mean of the last score")["web"] == [
        "900", "4.20 [4.10,\u00a04.30]", "6.0 [3.0,\u00a09.0]", "5.0 [2.0,\u00a08.0]",
    ]  # fmt: skip
    at_once = table(page, "Simultaneous intervals of the differences per point")
    assert at_once.rows == [["phone", "[−3.1,\u00a03.3]"], ["web", "[1.1,\u00a08.9]"]]
    few = _metrics().query("version != 'simultaneous'")
    assert "Simultaneous" not in " ".join(str(block) for block in _page(few))
    assert [row[0] for row in table(page, "The 2 most frequent paths").rows] == ["web → phone", "web"]
    assert table(page, "By plan").rows == [
        ["web", "basic", "500", "4.10 [4.00,\u00a04.20]", "7.0 [1.0,\u00a013.0]"]
    ]


def test_flaws_are_notices() -> None:
    flaw = Check("journey_touchpoint", passed=False, facts={"touchpoint": "fax", "case": "nobody"})
    assert "No customer with a score was at fax before it" in sentences(_page(None, flaw), "notice")


def test_without_contacts_there_is_no_section() -> None:
    assert journey_pages(gather(made_up.results())) == []
    with pytest.raises(InputError, match="no touchpoint is compared"):
        journey(made_up.results().metrics)


def test_the_figure_draws_each_touchpoint_and_no_quarter_of_a_few_customers() -> None:
    left = journey_sheet(_metrics())
    assert [label.get_text() for label in left.get_yticklabels()] == ["phone", "web"]
    right = left.get_figure().axes[1]  # type: ignore[union-attr]
    assert [label.get_text() for label in right.get_xticklabels()] == ["2024Q1", "2024Q3"]
    alone = journey(_metrics(), simulated=True)
    assert alone.get_title(loc="right") == "simulated customers"


def test_an_analysis_gives_the_rows_and_draws_the_figure() -> None:
    made = Analysis(replace(made_up.results(SPEC), metrics=_metrics()))
    assert len(made.journey()) == len(_metrics())
    assert len(Analysis(made_up.results()).journey()) == 0
    assert made.journey_figure(Figure().add_subplot()).get_ylabel() == "Touchpoint"
