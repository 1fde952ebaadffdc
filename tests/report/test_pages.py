from dataclasses import replace
from typing import Any

import made_up
import numpy as np
import pandas as pd
import pytest

from cxlink.estimates.table import tidy
from cxlink.report import results, tables
from cxlink.report.cohort_pages import cohort_pages
from cxlink.report.content import gather
from cxlink.report.diagnostics import diagnostics_pages
from cxlink.report.pdf import make_document
from cxlink.report.references import cited
from cxlink.report.retention_pages import retention_pages
from cxlink.report.study_figures import compared
from cxlink.report.study_pages import study_pages

GIVEN = made_up.report_input()


def table(parts: list[dict[str, Any]], caption: str) -> dict[str, Any]:
    return next(part for part in parts if part["kind"] == "table" and part["caption"].startswith(caption))


def cells(parts: list[dict[str, Any]], caption: str) -> dict[str, list[str]]:
    return {row[0]: row[1:] for row in table(parts, caption)["rows"]}


def test_the_cohort_is_counted_from_its_cells() -> None:
    parts, scored = cohort_pages(gather(GIVEN)), GIVEN.cells[GIVEN.cells["score"].notna()]
    rows = cells(parts, "Follow-up and spend windows")
    n, complete = int(scored["n"].sum()), int(scored["spend_n"].sum())
    shown = {name: int(values[0].replace("\u202f", "").split()[0]) for name, values in rows.items()}
    assert shown["Lost during follow-up"] == int(scored.loc[scored["cause"] != "", "n"].sum())
    assert shown["Still there when last seen"] == int(scored.loc[scored["cause"] == "", "n"].sum())
    assert shown["Customer-months of follow-up"] == int((scored["n"] * scored["exit"]).sum())
    assert shown["Complete spend windows of 12 months"] == complete
    assert shown["Spend windows not over, or spend unknown (not counted)"] == n - complete
    assert cells(parts, "What became")["Left out: the score is off its scale"] == ["5"]


@pytest.mark.parametrize(
    ("exits", "median"), [([3, 9, 9], "9 months"), ([3, 4, 9], "4 months"), ([5, 5, 1], "5 months")]
)
def test_median_follow_up_is_of_customers_not_of_cells(exits: list[int], median: str) -> None:
    base = GIVEN.cells[GIVEN.cells["score"] == 5].iloc[[0, 0, 0]]
    still = base.assign(exit=exits, cause="", entry=0, n=[2, 2, 1])
    rows = cells(cohort_pages(gather(replace(GIVEN, cells=still))), "Follow-up")
    assert rows["Median follow-up of those still there"] == [median]


def test_contrasts_are_ordered_by_level_and_those_of_the_same_levels_stand_once() -> None:
    parts = tables.contrasts(gather(GIVEN), "retention", "kaplan_meier", 12, "x")
    assert [row[0] for row in parts[0]["rows"]] == [
        "9–10 against 1",
        *(f"{k} against 1" for k in range(2, 11)),
    ]
    again = GIVEN.estimates.query("group == 'best' and reference == 'worst'").assign(
        reference="1", headline=False
    )
    twice = replace(GIVEN, estimates=pd.concat([GIVEN.estimates, again], ignore_index=True))
    assert len(tables.contrasts(gather(twice), "retention", "kaplan_meier", 12, "x")[0]["rows"]) == 10


def test_other_clocks_have_their_own_numbers() -> None:
    parts, rows = retention_pages(gather(GIVEN)), GIVEN.estimates
    shown = cells(parts, "Retention to 12 months, other readings")
    for scenario, name in (
        ("lag=3", "Counted from 3 months after the score"),
        ("from_signup", "Counted from signup (misleading)"),
    ):
        row = rows.query(f"scenario == '{scenario}' and group == 'worst'").iloc[0]
        assert shown[f"{name}, unadjusted"][1].startswith(f"{100 * row['estimate']:.1f} [")


def test_strata_and_reasons_are_set_out_and_all_scores_are_not_standardised() -> None:
    without = GIVEN.estimates[
        ~((GIVEN.estimates["group"] == "all") & (GIVEN.estimates["adjusted"] == "standardised"))
    ]
    parts = retention_pages(gather(replace(GIVEN, estimates=without)))
    assert list(cells(parts, "Retention after 12 months within strata")) == ["plan: basic", "plan: pro"]
    assert list(cells(parts, "Customers lost for each reason")) == ["moved $a_b", "price"]
    by_score = table(parts, "Still customers after 12 months by score")
    assert by_score["rows"][-1][-1] == ""
    assert tables.OWN_MIX in by_score["notes"]


def test_diagnostics_put_failures_first_and_say_the_same_once() -> None:
    rows = [
        ("kaplan_meier", "sparse", "5", 6.0, None, "few"), ("kaplan_meier", "sparse", "2", 9.0, None, "few"),
        ("kaplan_meier", "support", "best:worst", 0.97, True, "share"), ("x_y", "draws", "", 0.2, False, "left out"),
        ("weibull", "aic", "", 10.5, None, ""), ("weibull", "log_likelihood", "", -4.25, None, ""),
        ("weibull", "weight", "", 1.0, None, ""), ("weibull", "converged", "", 1e-9, True, ""),
    ]  # fmt: skip
    checks = pd.DataFrame(rows, columns=list(GIVEN.diagnostics))
    small = made_up.report_input({"publish": {"smallest_cell": 700}}, diagnostics=checks)
    parts = diagnostics_pages(gather(small))
    assert parts[1]["runs"] == ["1 of 8 findings is other than it should be; these stand first."]
    assert [row[:5] for row in table(parts, "What was checked")["rows"]] == [
        ["x y", "draws", "", "0.200", "no"],
        ["Kaplan–Meier", "sparse", "5; 2", "6; –", ""],
        ["Kaplan–Meier", "support", "best:worst", "0.970", "yes"],
    ]
    assert cells(parts, "How the families fit") == {"Weibull": ["no", "−4.250", "10.500", "1", "yes"]}


def test_the_study_counts_the_intervals_that_hold_the_truth() -> None:
    study = made_up.study()
    study["comparison"].loc[0, ["adjusted_low", "adjusted_high"]] = [0.44, 0.45]
    said = [part["runs"][0] for part in study_pages(study, GIVEN.spec) if part["kind"] == "paragraph"]
    assert any("hold the truth for 3, the naive ones for 1." in text for text in said)
    rows = compared(study["comparison"])
    assert rows[2].horizon is None
    assert np.isnan(rows[5].published)


def test_references_are_those_that_apply_in_the_order_of_the_alphabet() -> None:
    spend_only = cited([gather(made_up.report_input({"subscription": None}))])
    assert not any(text.startswith(("Kaplan", "Suissa", "Bolton", "Prentice")) for text in spend_only)
    both = cited([gather(given) for given in made_up.both_cohorts()])
    assert both == sorted(both)
    assert len(both) == len(set(both))


def test_a_difference_whose_interval_holds_none_is_said_to_tell_nothing() -> None:
    rows = GIVEN.estimates.copy()
    mine = (rows["estimand"] == "retention_difference") & rows["headline"]
    rows.loc[mine, ["conf_low", "conf_high"]] = [-0.01, 0.5]
    for given, apart in ((GIVEN, True), (replace(GIVEN, estimates=rows), False)):
        said = "".join(
            run if isinstance(run, str) else run["strong"] for run in results.retention(gather(given))
        )
        assert ("does not tell the two apart" not in said) is apart


def test_where_every_level_is_too_small_no_empty_picture_stands() -> None:
    given = made_up.report_input({"publish": {"smallest_cell": 6000}})
    rows, levels = given.estimates.copy(), [str(level) for level in made_up.N]
    small = rows["group"].isin(["worst", *levels]) | (rows["reference"] == "worst")
    rows.loc[small, ["estimate", "conf_low", "conf_high"]] = np.nan
    parts = make_document([replace(given, estimates=rows)])["parts"]
    assert {part["name"] for part in parts if part["kind"] == "figure"} == {
        "retention-curves", "tenure-ladder", "tenure-families",
    }  # fmt: skip
    assert not any(part.get("caption", "").endswith("compared") for part in parts)
    said = [part["runs"][0] for part in parts if part["kind"] == "notice"]
    assert said[0].startswith("Fewer than 6\u202f000 customers gave 1: their figures are left blank.")


def test_one_customer_is_one_customer() -> None:
    one = GIVEN.cells[GIVEN.cells["score"] == 9].iloc[:1].assign(n=1)
    first = make_document([replace(GIVEN, cells=one)])["parts"][0]
    assert first["runs"][0] == {"strong": "1 customer"}


def test_a_long_scale_has_ticks_apart_and_pictures_told_by_their_ends() -> None:
    rows = [
        {"estimand": "retention", "model": "kaplan_meier", "group": str(k), "horizon": 12, "adjusted": "no",
         "estimate": 0.5 + k / 400, "conf_low": 0.4, "conf_high": 0.9, "unit": "probability", "n": 50}
        for k in range(101)
    ]  # fmt: skip
    given = made_up.report_input({"score": {"column": "s", "scale": "0-100"}, "spend": None})
    cells_ = pd.concat([given.cells.iloc[:1].assign(score=k) for k in range(101)]).astype({"score": "Int64"})
    parts = make_document([replace(given, estimates=tidy(rows), cells=cells_)])["parts"]
    picture = next(part for part in parts if part.get("name") == "retention-by-score")
    assert picture["alt"].endswith("0: 50\u202f%; 100: 75\u202f%")
