"""The table of spend by model."""

from dataclasses import replace

import pandas as pd
import pytest
from made_up import results

from cxlink.estimands.tidy import tidy
from cxlink.report.content import Material, gather
from cxlink.report.format import number
from cxlink.report.sections.regression_section import beside_means, spend_model_pages
from cxlink.report.sections.spend_section import spend_pages

RATIOS = {"poisson": 2.4, "gamma": 2.45, "two_part": 2.5, "log_ols": 2.42}


def material(ratios: dict[str, float], adjusted: str = "standardised", spread: float = 0.2) -> Material:
    given = results() if adjusted == "standardised" else results({"adjust": None})
    rows = []
    for model, ratio in ratios.items():
        keys = {"model": model, "adjusted": adjusted, "level": 0.95, "n": 1000}
        made = {"spend": {"best": 400 * ratio, "worst": 400.0}, "spend_difference": {"best": 400 * (ratio - 1)},
                "spend_ratio": {"best": ratio}}  # fmt: skip
        for estimand, values in made.items():
            for group, value in values.items():
                rows.append({
                    "estimand": estimand, "group": group, "estimate": value, "std_error": value / 20, **keys,
                    "conf_low": value * (1 - spread), "conf_high": value * (1 + spread),
                    "reference": "" if estimand == "spend" else "worst",
                    "unit": "ratio" if estimand == "spend_ratio" else "EUR",
                })  # fmt: skip
    estimates = tidy([*given.estimates.to_dict("records"), *rows])
    return gather(replace(given, estimates=estimates))


def said(m: Material) -> str:
    return " ".join(run for block in spend_model_pages(m) for run in getattr(block, "runs", ()))


def test_the_table_has_a_line_a_model() -> None:
    m = material(RATIOS)
    heading, paragraph, table = spend_model_pages(m)
    assert heading.text == "Spend by regression models"
    assert paragraph.kind == "paragraph"
    assert table.header == ["Model", "Scores 9–10", "Score 1", "Difference", "Ratio"]
    assert [row[0] for row in table.rows] == [
        "Means by level and stratum", "Additive Poisson", "Quasi-gamma", "Two-part, gamma",
        "Two-part, log-OLS with smearing",
    ]  # fmt: skip
    assert table.rows[1][4].startswith("2.40 [1.92")
    assert "standardised" in table.caption
    assert "EUR" in table.caption
    assert spend_pages(m)[-1] == table


def test_models_within_the_headlines_interval() -> None:
    row = material(RATIOS).book.get(
        "spend_ratio", "best", "means", reference="worst", adjusted="standardised"
    )
    assert row is not None
    inside = dict.fromkeys(RATIOS, (row.estimate + row.conf_high) / 2)
    m = material(inside)
    text, gamma = (
        said(m),
        m.book.get("spend_ratio", "best", "gamma", reference="worst", adjusted="standardised"),
    )
    assert (
        f"give a ratio of {number(row)}; the others give {number(gamma)}. All are within the interval" in text
    )
    assert "plan and region" in text


def test_models_outside_it_are_named() -> None:
    row = material(RATIOS).book.get(
        "spend_ratio", "best", "means", reference="worst", adjusted="standardised"
    )
    assert row is not None
    ratios = dict.fromkeys(RATIOS, row.estimate) | {"gamma": 2 * row.conf_high}
    text = said(material(ratios))
    assert (
        "Of these, quasi-gamma lies outside the interval of the means, so the result depends on the model."
        in text
    )
    assert "Not all of these intervals" not in text
    text = said(material(dict.fromkeys(RATIOS, 1.05)))
    assert "two-part, gamma and two-part, log-OLS with smearing lie outside the interval of the means" in text
    assert text.endswith("Not all of these intervals exclude a ratio of 1.")


def test_one_model_alone() -> None:
    m = material({"poisson": 2.4})
    assert "the other model gives 2.40" in said(m)
    assert beside_means(m).startswith(" One other model was fitted: an additive Poisson")
    assert "Duan" not in beside_means(m)
    assert "Duan 1983" in beside_means(material(RATIOS))
    assert beside_means(gather(results())) == ""


def test_nothing_without_models() -> None:
    assert spend_model_pages(gather(results())) == []
    assert spend_model_pages(gather(results({"spend": None}))) == []


@pytest.mark.parametrize("same", [True, False])
def test_models_that_cannot_differ_have_a_sentence(same: bool) -> None:
    first = gather(results({"adjust": None}))
    means = {side: first.book.get("spend", side, "means") for side in ("best", "worst")}
    m = material(RATIOS, adjusted="no")
    estimates = m.results.estimates.copy()
    for side, row in means.items():
        assert row is not None
        mine = (
            estimates["model"].isin(RATIOS)
            & (estimates["estimand"] == "spend")
            & (estimates["group"] == side)
        )
        estimates.loc[mine, "estimate"] = row.estimate if same else row.estimate + 1
    blocks = spend_model_pages(gather(replace(m.results, estimates=estimates)))
    assert [block.kind for block in blocks] == (["paragraph"] if same else ["heading", "paragraph", "table"])
    if not same:
        assert "standardised" not in blocks[2].caption
        assert "These models assume" not in str(blocks[1])


def test_suppressed_models_leave_no_table() -> None:
    m = material(RATIOS)
    blank = m.results.estimates.copy()
    spent = blank["estimand"].str.startswith("spend")
    blank.loc[spent, ["estimate", "std_error", "conf_low", "conf_high"]] = float("nan")
    assert isinstance(blank, pd.DataFrame)
    assert spend_model_pages(gather(replace(m.results, estimates=blank))) == []
