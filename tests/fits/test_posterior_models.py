"""Posteriors as a researcher holds them: near the observed curves, standardised by hand, refused in one line."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from subscribers import cohort_of_subscribers, spec_of_subscribers, subscribers

import cxlink
from cxlink.cohort.errors import InputError
from cxlink.fits.posterior_model import PosteriorModel

pytestmark = pytest.mark.long

FEW: dict[str, Any] = {"draws": 150, "tune": 150, "chains": 2, "cores": 1}


@pytest.fixture(scope="module")
def cohort() -> cxlink.Cohort:
    return cohort_of_subscribers(adjust={"columns": ("plan",)})


@pytest.fixture(scope="module")
def models(cohort: cxlink.Cohort) -> dict[str, PosteriorModel]:
    return {kind: cxlink.posterior(cohort, kind, **FEW) for kind in ("hazard", "sbg", "spend")}  # type: ignore[arg-type]


def test_the_draws_are_arviz_s(models: dict[str, PosteriorModel]) -> None:
    for one in models.values():
        assert isinstance(one.native, xr.DataTree)
        assert one.native["posterior"].sizes["chain"] == 2


@pytest.mark.parametrize("kind", ["hazard", "sbg"])
def test_averages_are_near_the_standardised_curves(
    cohort: cxlink.Cohort, models: dict[str, PosteriorModel], kind: str
) -> None:
    own = models[kind].average().set_index(["group", "measure"])
    observed = cxlink.kaplan_meier(cohort, standardise=True).difference("best", "worst")
    for row in observed.itertuples():
        if row.measure != "ratio":
            assert (
                abs(own.loc[(row.group, row.measure), "estimate"].item() - row.estimate) < 3 * row.std_error
            )


def test_averages_are_over_strata_and_levels_by_hand(models: dict[str, PosteriorModel]) -> None:
    frame = subscribers()
    plans, n = frame["plan"].value_counts(normalize=True), frame["score"].value_counts()
    for kind, quantity in (("hazard", "rmst"), ("spend", "survival")):
        model = models[kind]
        each = model.predict(
            [{"score": s, "plan": p} for s in (4, 5) for p in plans.index], quantity=quantity, times=6  # type: ignore[arg-type]
        ).set_index(["score", "plan"])["estimate"]  # fmt: skip
        by_hand = sum(n[s] / (n[4] + n[5]) * plans[p] * each[s, p] for s in (4, 5) for p in plans.index)
        table = model.average({"top": [4, 5], "low": [1]}, 6, quantity)  # type: ignore[arg-type]
        assert table.loc[0, "estimate"] == pytest.approx(by_hand, rel=1e-9)


def test_the_median_of_an_average_is_where_the_averaged_curve_is_one_half(
    models: dict[str, PosteriorModel],
) -> None:
    median = models["hazard"].average({"a": [1], "b": [5]}, quantity="median").set_index(["group", "measure"])
    for group, score in (("a", 1), ("b", 5)):
        time = median.loc[(group, "mean"), "estimate"].item()
        around = [
            models["hazard"].average({"a": [score], "b": [score]}, whole).loc[0, "estimate"]
            for whole in (int(time) - 1, int(time) + 2)
        ]
        assert around[0] > 0.5 > around[1]


def test_curves_fall_and_go_on_beyond_follow_up(models: dict[str, PosteriorModel]) -> None:
    profile = {"score": 3, "plan": "plus"}
    for kind in ("hazard", "sbg"):
        table = models[kind].predict(profile, times=[0, 6, 12, 24, 60])
        assert table["estimate"].iloc[0] == 1
        assert table["estimate"].is_monotonic_decreasing
        assert models[kind].predict(profile, "median")["estimate"].item() < 12


def test_summaries_hold_each_effect(models: dict[str, PosteriorModel]) -> None:
    hazard = models["hazard"].summary().sort_index()
    assert (hazard.loc[("", "score"), "estimate"] < 0).all()
    assert hazard.loc[("", "plan", "plus", "basic"), "estimate"] > 0
    assert set(models["spend"].summary().index.get_level_values("part")) == {"any_spend", "amount"}
    assert {"rhat", "divergences"} <= set(models["hazard"].check()["code"])
    assert models["hazard"].score()["log_score"] < 0


def test_an_earlier_cohort_is_pooled(cohort: cxlink.Cohort) -> None:
    earlier = cohort_of_subscribers(subscribers(3000, seed=9), adjust={"columns": ("plan",)}).count()
    young = cohort_of_subscribers(subscribers(150, seed=10), adjust={"columns": ("plan",)})
    alone, pooled = (cxlink.posterior(young, "hazard", one, **FEW) for one in (None, {"earlier": earlier}))
    width = [one.average().set_index("measure").loc["difference", "std_error"] for one in (alone, pooled)]
    assert width[1] < width[0]
    other = cohort_of_subscribers().count()
    with pytest.raises(InputError, match="not of the same kind"):
        cxlink.posterior(cohort, "hazard", {"other": other}, **FEW)


def test_refusals(cohort: cxlink.Cohort, models: dict[str, PosteriorModel]) -> None:
    with pytest.raises(InputError, match="Bayesian model: 'weibull' is none of hazard, sbg, spend"):
        cxlink.posterior(cohort, "weibull")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"needs \[spend\]"):
        cxlink.posterior(cxlink.read_cohort(subscribers(50), spec_of_subscribers(spend=None)), "spend")
    with pytest.raises(InputError, match="'retention' is none of survival, rmst, median"):
        models["hazard"].predict({"score": 3, "plan": "plus"}, "retention")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a profile lacks 'plan'"):
        models["hazard"].predict({"score": 3})
    with pytest.raises(InputError, match="nobody pooled had score = 3, plan = gold"):
        models["hazard"].predict({"score": 3, "plan": "gold"})
    with pytest.raises(InputError, match="nobody in the cohort has a score"):
        models["hazard"].average({"a": [9], "b": [1]})
    with pytest.raises(InputError, match="is judged by check"):
        models["spend"].score()


def test_the_picture_is_drawn_where_it_is_asked_for(models: dict[str, PosteriorModel]) -> None:
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    assert models["sbg"].plot(axes) is axes
    assert len(axes.get_yticklabels()) == 8
    frame = pd.DataFrame(models["hazard"].summary())
    assert np.isfinite(frame["estimate"]).all()
