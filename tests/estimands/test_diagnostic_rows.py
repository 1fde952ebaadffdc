"""Findings: support, sparse groups, curves that end early, draws left out, spend that rests on little."""

from dataclasses import replace

import numpy as np
import pandas as pd
from test_spend_estimands import means_for
from test_survival_estimands import curves_for, spec_for

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.profile import Profile
from cxlink.estimands import support_checks as diagnostics
from cxlink.groups.requests import Request
from cxlink.spend.means import CellMeans


def request_for(adjusted: str, covered: dict[str, float]) -> Request:
    labels = {"adjusted": adjusted, "stratum": "", "scenario": ""}
    return Request(labels, (), (), (), (), covered=covered)


def test_support_of_the_headline_is_judged() -> None:
    request = request_for("standardised", {"best:worst": 0.9, "2:worst": 0.5})
    headline, other = diagnostics.support_rows("kaplan_meier", request, spec_for())
    assert (headline["quantity"], headline["group"], headline["value"], headline["ok"]) == (
        "support", "best:worst", 0.9, True,
    )  # fmt: skip
    assert "at risk to 6 months" in headline["note"]
    assert (other["group"], other["ok"]) == ("2:worst", None)
    thin = request_for("standardised", {"best:worst": 0.8999})
    assert [r["ok"] for r in diagnostics.support_rows("kaplan_meier", thin, spec_for())] == [False]
    alone = request_for("standardised", {"best": 0.5})  # worst has nobody
    assert [r["ok"] for r in diagnostics.support_rows("kaplan_meier", alone, spec_for())] == [False]
    (spend,) = diagnostics.support_rows("means", thin, spec_for())
    assert "complete window" in spend["note"]


def test_support_of_unadjusted_rows_is_reported() -> None:
    (row,) = diagnostics.support_rows("kaplan_meier", request_for("no", {"worst": 0.4}), spec_for())
    assert (row["group"], row["value"], row["ok"]) == ("worst, unadjusted", 0.4, None)
    assert "can be followed for 6 months" in row["note"]


def test_curves_say_what_is_odd() -> None:
    curves = curves_for(sparse=np.array([True, False, False]), emptied=np.array([0.0, 0.25, 0.0]))
    found = {(r["quantity"], r["group"]): r for r in diagnostics.curve_rows(curves, spec_for())}
    assert set(found) == {("sparse", "worst"), ("draws_left_out", "best"), ("last_period_at_risk", "2")}
    assert found["sparse", "worst"]["value"] == 40
    left_out = found["draws_left_out", "best"]
    assert (left_out["value"], left_out["ok"]) == (0.25, True)
    many = curves_for(emptied=np.array([0.0, 0.5, 0.0]))
    assert [
        r["ok"] for r in diagnostics.curve_rows(many, spec_for()) if r["quantity"] == "draws_left_out"
    ] == [False]
    ended = found["last_period_at_risk", "2"]
    assert (ended["value"], ended["ok"]) == (5, False)
    assert ended["note"] == "nobody is at risk to 6 months: no row at the horizon"


def test_standardised_curves_are_told_apart_and_parts_are_silent() -> None:
    labels = {"adjusted": "standardised", "stratum": "", "scenario": ""}
    rows = list(diagnostics.curve_rows(curves_for(labels=labels), spec_for()))
    assert [r["group"] for r in rows] == ["2, standardised"]
    for part in ({**labels, "stratum": "plan=x"}, {**labels, "scenario": "since_signup"}):
        assert list(diagnostics.curve_rows(curves_for(labels=part), spec_for())) == []


def test_spend_that_rests_on_one_customer_or_on_none_who_spent() -> None:
    cells = CellMeans(
        *(np.zeros(3) for _ in range(4)), scores=None, spent_nothing=np.array([True, False, True])
    )
    means = replace(means_for(), n=np.array([1, 70, 12]))
    one, nothing = diagnostics.spend_rows(cells, means)
    assert (one["quantity"], one["group"]) == ("one_customer", "worst")
    assert (nothing["quantity"], nothing["value"]) == ("spent_nothing", 2)
    quiet = replace(cells, spent_nothing=np.zeros(3, bool))
    assert list(diagnostics.spend_rows(quiet, means_for())) == []


def test_an_empty_band_is_named() -> None:
    cells = pd.DataFrame({"score": pd.array([2, 3, 4], dtype="Int64")})
    (row,) = diagnostics.band_rows(Counts(cells, spec_for(), Profile("t", 3, 3)))
    assert (row["group"], row["note"]) == ("worst", "nobody scored 1: its rows and contrasts are not written")
    none = pd.DataFrame({"score": pd.array([None], dtype="Int64")})
    assert list(diagnostics.band_rows(Counts(none, spec_for(), Profile("t", 1, 1)))) == []


def test_findings_become_a_table_without_repeats() -> None:
    row = diagnostics.finding("kaplan_meier", "sparse", "1", 3.0, None, "why")
    table = diagnostics.tidy([row, row, {**row, "ok": True, "group": "2"}])
    assert table["group"].tolist() == ["1", "2"]
    assert table["ok"].tolist() == [pd.NA, True]
    assert tuple(table.columns) == diagnostics.COLUMNS
    assert len(diagnostics.tidy([])) == 0
