"""Rows of spend, and of the diagnostics beside them."""

from dataclasses import replace

import numpy as np
import pytest

from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec
from cxlink.estimands.spend_estimands import LEADING, spend_rows
from cxlink.estimands.tidy import interval, tidy
from cxlink.spend.means import MeanSpend

N_DRAWS = 1000


def spec_for(refunds: bool = False, spend: bool = True) -> CohortSpec:
    tables: dict[str, object] = {"score": {"column": "s", "scale": "1-5", "worst": [1], "best": [4, 5]}}
    if spend:
        tables["spend"] = {"column": "y", "complete": True, "currency": "USD", "refunds": refunds}
    else:
        tables["subscription"] = {"duration": "d", "event": "e"}
    return make_spec(tables)


def means_for(
    point: tuple[float, ...] = (40.0, 100.0, 60.0), error: float = 5.0, **changes: object
) -> MeanSpend:
    rng = np.random.default_rng(1)
    made = MeanSpend(
        labels={"adjusted": "standardised", "stratum": "", "scenario": ""},
        groups=("worst", "best", "2"),
        point=np.array(point),
        draws=np.array(point) + error * rng.standard_normal((N_DRAWS, 3)),
        n=np.array([30, 70, 12]),
        spent_nothing=np.zeros(3, bool),
        own=(0, 1, 2),
        contrasts=((1, 0), (2, 0)),
    )
    return replace(made, **changes)


def test_means_and_contrasts() -> None:
    means = means_for()
    table = tidy(spend_rows(means, spec_for(), LEADING)).set_index(["estimand", "group"])
    assert len(table) == 7
    best = table.loc[("spend", "best")]
    assert (best["estimate"], best["unit"], best["n"], best["model"]) == (100, "USD", 70, "means")
    assert best["std_error"] == pytest.approx(means.draws[:, 1].std(ddof=1), rel=1e-12)
    ratio = table.loc[("spend_ratio", "best")]
    assert (ratio["estimate"], ratio["unit"], ratio["reference"]) == (2.5, "ratio", "worst")
    expected = interval(means.draws[:, 1] / means.draws[:, 0], 0.95)
    assert (ratio["std_error"], ratio["conf_low"], ratio["conf_high"]) == pytest.approx(expected, abs=1e-12)
    difference = table.loc[("spend_difference", "2")]
    assert (difference["estimate"], difference["unit"]) == (20, "USD")
    assert table["n_events"].isna().all()


def test_customers_who_all_spent_the_same_have_no_interval() -> None:
    means = means_for()
    means.draws[:, 0] = 40 * (1 + 1e-12 * np.arange(N_DRAWS) / N_DRAWS)
    means = replace(means, n=np.array([30, 70, 12]), contrasts=((1, 0), (2, 1)))
    table = tidy(spend_rows(means, spec_for(), LEADING)).set_index(["estimand", "group", "reference"])
    limits = table[["conf_low", "conf_high"]]
    for row in (
        ("spend", "worst", ""),
        ("spend_difference", "best", "worst"),
        ("spend_ratio", "best", "worst"),
    ):
        assert limits.loc[[row]].isna().all().all()
    for row in (("spend", "best", ""), ("spend_difference", "2", "best")):
        assert limits.loc[[row]].notna().all().all()
    assert not replace(
        means, draws=means.draws + np.random.default_rng(2).normal(size=(N_DRAWS, 3))
    ).unvaried.any()


def test_the_headline_is_the_first_contrast() -> None:
    heads = {
        (r["estimand"], r["group"]) for r in spend_rows(means_for(), spec_for(), LEADING) if r["headline"]
    }
    assert heads == {
        ("spend", "worst"),
        ("spend", "best"),
        ("spend_difference", "best"),
        ("spend_ratio", "best"),
    }
    assert not any(r["headline"] for r in spend_rows(means_for(), spec_for()))


def test_without_refunds_a_mean_is_not_under_nothing() -> None:
    means = means_for(point=(4.0, 100.0, 60.0))
    assert np.quantile(means.draws[:, 0], 0.025) < 0 < np.quantile(means.draws[:, 0], 0.5)

    def rows(refunds: bool) -> dict[tuple[str, str], dict[str, object]]:
        return {(r["estimand"], r["group"]): r for r in spend_rows(means, spec_for(refunds))}

    floor, free = rows(False), rows(True)
    assert floor["spend", "worst"]["conf_low"] == 0
    assert free["spend", "worst"]["conf_low"] < 0
    # the error stays the robust one
    assert floor["spend", "worst"]["std_error"] == free["spend", "worst"]["std_error"]
    ratio = floor["spend_ratio", "best"]
    assert ratio["conf_high"] == np.inf
    assert np.isnan(ratio["std_error"])
    assert ratio["conf_low"] > 0
    assert free["spend_ratio", "best"]["conf_high"] < np.inf
    assert floor["spend_difference", "best"] == free["spend_difference", "best"]


def test_a_group_that_spent_nothing_has_an_interval_that_holds_it() -> None:
    means = means_for(point=(0.0, 100.0, 60.0), spent_nothing=np.array([True, False, False]))
    means.draws[:, 0] = np.random.default_rng(3).uniform(0.5, 4, N_DRAWS)
    rows = {(r["estimand"], r["group"]): r for r in spend_rows(means, spec_for())}
    worst = rows["spend", "worst"]
    assert (worst["estimate"], worst["conf_low"]) == (0, 0)
    assert worst["conf_high"] == pytest.approx(
        np.quantile(means.draws[:, 0], 0.975, method="weibull"), abs=1e-12
    )
    ratio = rows["spend_ratio", "best"]
    assert (ratio["estimate"], ratio["conf_high"]) == (np.inf, np.inf)
    assert ratio["conf_low"] > 20
    both = replace(means, point=np.array([0.0, 0.0, 60.0]))
    assert ("spend_ratio", "best") not in {(r["estimand"], r["group"]) for r in spend_rows(both, spec_for())}


def test_a_spec_without_spend_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the spec has no \[spend\]"):
        list(spend_rows(means_for(), spec_for(spend=False)))
