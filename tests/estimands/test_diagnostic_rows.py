"""Findings: support, sparse groups, curves that end early, draws left out, spend that rests on little."""

from dataclasses import replace

import numpy as np
import pandas as pd
from check_fields import check_fields
from test_spend_estimands import means_for
from test_survival_estimands import curves_for, spec_for

from cxlink.checks import Check, matching
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.profile import Profile
from cxlink.estimands.support_checks import band_checks, curve_checks, spend_checks, support_checks
from cxlink.groups.requests import Request
from cxlink.report.check_notes import note
from cxlink.spend.means import CellMeans


def request_for(adjusted: str, covered: dict[tuple[str, str], float]) -> Request:
    labels = {"adjusted": adjusted, "stratum": "", "scenario": ""}
    return Request(labels, (), (), (), (), covered=covered)


def test_support_of_the_headline_is_judged() -> None:
    request = request_for("standardised", {("best", "worst"): 0.9, ("2", "worst"): 0.5})
    headline, other = support_checks("kaplan_meier", request, spec_for())
    facts = {
        "case": "retention_scored", "reference": "worst", "adjusted": "standardised", "horizon": 6, "unit": "month",
    }  # fmt: skip
    assert check_fields(headline) == check_fields(
        Check("support", "kaplan_meier", "best", 0.9, bound=0.9, passed=True, facts=facts)
    )
    assert note(headline) == (
        "share of customers with a score in strata where every level has customers at risk up to 6 months"
    )
    assert (other.group, other.value, other.passed, other.facts) == ("2", 0.5, None, facts)
    thin = request_for("standardised", {("best", "worst"): 0.8999})
    assert [check.passed for check in support_checks("kaplan_meier", thin, spec_for())] == [False]
    alone = request_for("standardised", {("best", ""): 0.5})  # worst has nobody
    assert [check.passed for check in support_checks("kaplan_meier", alone, spec_for())] == [False]
    (spend,) = support_checks("means", thin, spec_for())
    assert spend.facts["case"] == "spend_scored"
    (everybody,) = support_checks("means", thin, spec_for(target="customers"))
    assert everybody.facts["case"] == "spend_customers"


def test_support_of_unadjusted_rows_is_reported() -> None:
    (check,) = support_checks("kaplan_meier", request_for("no", {("worst", ""): 0.4}), spec_for())
    assert (check.group, check.value, check.passed) == ("worst", 0.4, None)
    assert check.facts == {
        "case": "followed", "reference": "", "adjusted": "no", "horizon": 6, "unit": "month",
    }  # fmt: skip
    assert (
        note(check)
        == "share of the group whose follow-up reaches 6 months; its rows describe these customers"
    )


def test_curves_say_what_is_odd() -> None:
    curves = curves_for(sparse=np.array([True, False, False]), emptied=np.array([0.0, 0.25, 0.0]))
    found = {(check.code, check.group): check for check in curve_checks(curves, spec_for())}
    assert set(found) == {("sparse", "worst"), ("draws_left_out", "best"), ("last_period_at_risk", "2")}
    asked = {"adjusted": "no", "horizon": 6, "unit": "month"}
    assert all(check.model == "kaplan_meier" for check in found.values())
    sparse = found["sparse", "worst"]
    assert (sparse.value, sparse.passed, sparse.facts) == (40, None, {"case": "curve", **asked})
    left_out = found["draws_left_out", "best"]
    assert (left_out.value, left_out.bound, left_out.passed, left_out.facts) == (0.25, 0.5, True, asked)
    many = curve_checks(curves_for(emptied=np.array([0.0, 0.5, 0.0])), spec_for())
    assert [check.passed for check in matching(many, code="draws_left_out")] == [False]
    ended = found["last_period_at_risk", "2"]
    assert (ended.value, ended.passed, ended.facts) == (5, False, asked)
    assert (
        note(ended)
        == "last period with customers at risk; none are at risk up to 6 months, so there is no row at the horizon"
    )


def test_standardised_curves_are_told_apart_and_parts_are_silent() -> None:
    labels = {"adjusted": "standardised", "stratum": "", "scenario": ""}
    (ended,) = curve_checks(curves_for(labels=labels), spec_for())
    assert (ended.group, ended.facts["adjusted"]) == ("2", "standardised")
    for part in ({**labels, "stratum": "plan=x"}, {**labels, "scenario": "since_signup"}):
        assert list(curve_checks(curves_for(labels=part), spec_for())) == []


def test_spend_that_rests_on_one_customer_or_on_none_who_spent() -> None:
    cells = CellMeans(
        *(np.zeros(3) for _ in range(4)),
        scores=None,
        spent_nothing=np.array([True, False, True]),
        squares=np.zeros(3),
    )
    means = replace(means_for(), n=np.array([1, 70, 12]))
    one, nothing = spend_checks(cells, means)
    assert check_fields(one) == check_fields(Check("one_customer", "means", "worst", 1.0))
    assert check_fields(nothing) == check_fields(
        Check("spent_nothing", "means", value=2.0, facts={"case": "cells"})
    )
    quiet = replace(cells, spent_nothing=np.zeros(3, bool))
    same = replace(means_for(), draws=np.tile(means_for().point, (5, 1)), own=(2,))
    (unvaried,) = spend_checks(quiet, same)
    assert (unvaried.code, unvaried.group) == ("spend_unvaried", means_for().groups[2])
    (most,) = spend_checks(quiet, replace(means_for(), concentration=np.array([0.999, 0.1, 0.2])))
    assert (most.code, most.group, most.value, most.passed) == ("spend_concentration", "worst", 0.999, False)
    assert note(most).startswith("one customer accounts for at least 99")
    assert list(spend_checks(quiet, means_for())) == []


def test_an_empty_band_is_named() -> None:
    cells = pd.DataFrame({"score": pd.array([2, 3, 4], dtype="Int64")})
    (check,) = band_checks(Counts(cells, spec_for(), Profile("t", 3, 3)))
    assert check_fields(check) == check_fields(
        Check("empty_band", group="worst", value=0.0, passed=False, facts={"levels": "1"})
    )
    assert note(check) == "no customer gave 1; its rows and contrasts are omitted"
    none = pd.DataFrame({"score": pd.array([None], dtype="Int64")})
    assert list(band_checks(Counts(none, spec_for(), Profile("t", 1, 1)))) == []
