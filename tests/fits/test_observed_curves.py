"""Observed curves as a researcher holds them: lifelines' curves, and what the analysis itself says."""

import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time
from matplotlib.figure import Figure
from subscribers import cohort_of_subscribers, spec_of_subscribers, subscribers

import cxlink
from cxlink.cohort.errors import InputError
from cxlink.fits.observed_curves import ObservedCurves
from cxlink.report.format import THIN


@pytest.fixture(scope="module")
def curves() -> ObservedCurves:
    return cxlink.kaplan_meier(cohort_of_subscribers())


def test_they_are_lifelines_curves(curves: ObservedCurves) -> None:
    frame = subscribers()
    native = curves.native
    for level in range(1, 6):
        part = frame[frame["score"] == level]
        by_hand = KaplanMeierFitter().fit(part["months"], part["left"])
        own = curves.at([3, 6, 11])
        own = own[own["group"] == str(level)].set_index("time")["estimate"]
        np.testing.assert_allclose(own, by_hand.predict([3, 6, 11]), rtol=1e-10)
        assert isinstance(native[str(level)], KaplanMeierFitter)
        np.testing.assert_allclose(native[str(level)].predict([3, 6, 11]), own, rtol=1e-10)


def test_areas_and_medians_are_of_the_same_curve(curves: ObservedCurves) -> None:
    survival = curves.at(range(13)).query("group == 'worst'")["estimate"].to_numpy()
    steps = np.diff(np.log(survival[:7]))
    area = float(np.sum(survival[:6] * np.expm1(steps) / steps))
    mean = curves.restricted_mean(6).set_index("group").loc["worst"]
    assert mean["estimate"] == pytest.approx(area, rel=1e-12)
    # lifelines' area is of the step function, which is larger by up to one period's losses
    theirs = restricted_mean_survival_time(curves.native["worst"], t=6)
    assert area < theirs < area + 1
    median = curves.median().set_index("group").loc["worst", "estimate"]
    after = int(np.argmax(survival <= 0.5))
    share = np.log(survival[after - 1] / 0.5) / np.log(survival[after - 1] / survival[after])
    assert median == pytest.approx(after - 1 + share, rel=1e-12)


def test_differences_share_their_draws(curves: ObservedCurves) -> None:
    table = curves.difference("best", "worst", 6).set_index("measure")
    both = curves.at(6).set_index("group")
    gap = both.loc["best", "estimate"] - both.loc["worst", "estimate"]
    assert table.loc["difference", "estimate"].item() == pytest.approx(gap)
    error = np.hypot(both.loc["best", "std_error"], both.loc["worst", "std_error"])
    # groups without a customer in common: four standard errors of a standard deviation of 1,000 draws
    assert table.loc["difference", "std_error"] == pytest.approx(error, rel=4 / np.sqrt(2000))


@pytest.mark.usefixtures("few_families")
def test_they_say_what_the_analysis_says() -> None:
    analysis = {"horizon": 6, "draws": 200, "tenure_horizons": (6,)}
    cohort = cohort_of_subscribers(adjust={"columns": ("plan",)}, spend=None, analysis=analysis)
    rows = cxlink.analyse(cohort).estimates
    rows = rows[rows["model"].eq("kaplan_meier") & rows["estimand"].eq("retention") & rows["horizon"].eq(6)]
    rows = rows[rows["stratum"].eq("") & rows["scenario"].eq("")]
    for standardise, adjusted in {False: "no", True: "standardised"}.items():
        table = cxlink.kaplan_meier(cohort, standardise=standardise).at(6).set_index("group")["estimate"]
        theirs = rows[rows["adjusted"] == adjusted].set_index("group")["estimate"]
        np.testing.assert_allclose(table, theirs[table.index], rtol=1e-9)


def test_curves_by_another_variable() -> None:
    cohort = cohort_of_subscribers(adjust={"columns": ("plan",)})
    table = cxlink.kaplan_meier(cohort, "plan").at(6).set_index("group")
    frame = subscribers()
    for plan, part in frame.groupby("plan"):
        by_hand = KaplanMeierFitter().fit(part["months"], part["left"]).predict(6)
        assert table.loc[plan, "estimate"] == pytest.approx(by_hand, rel=1e-10)
        assert table.loc[plan, "n"] == len(part)


def test_a_group_that_is_not_followed_so_far_has_no_row() -> None:
    frame = pd.concat([subscribers(300), subscribers(200).assign(score=1, months=4, left=0)])
    frame = frame[~((frame["score"] == 1) & (frame["months"] > 4))]
    curves = cxlink.kaplan_meier(cohort_of_subscribers(frame))
    assert "worst" not in set(curves.at(6)["group"])
    assert "worst" in set(curves.at(4)["group"])
    with pytest.raises(InputError, match="worst is not followed for 6 months"):
        curves.difference("best", "worst")


def test_refusals(curves: ObservedCurves) -> None:
    with pytest.raises(InputError, match="there is no group 'bset'"):
        curves.difference("bset", "worst")
    with pytest.raises(InputError, match="there are no curves by 'plan'; there are by score"):
        cxlink.kaplan_meier(cohort_of_subscribers(), "plan")
    with pytest.raises(InputError, match=r"nothing to standardise over: name columns in \[adjust\]"):
        cxlink.kaplan_meier(cohort_of_subscribers(), standardise=True)
    spend_only = cxlink.make_spec({
        "score": {"column": "score", "scale": "1-5"}, "spend": {"column": "spend", "complete": True}
    })  # fmt: skip
    with pytest.raises(InputError, match=r"needs \[subscription\]"):
        cxlink.kaplan_meier(cxlink.read_cohort(subscribers(50), spend_only))
    standardised = cxlink.kaplan_meier(cohort_of_subscribers(adjust={"columns": ("plan",)}), standardise=True)
    with pytest.raises(InputError, match="lifelines has no standardised curve"):
        _ = standardised.native
    late = spec_of_subscribers(subscription={"duration": "months", "event": "left", "window": 3})
    assert len(cxlink.kaplan_meier(cxlink.read_cohort(subscribers(300), late)).at(2))


def test_the_picture_is_drawn_where_it_is_asked_for(curves: ObservedCurves) -> None:
    axes = Figure().subplots()
    assert curves.plot(ax=axes) is axes
    assert [text.get_text() for text in axes.texts[:2]] == ["worst", "best"]
    assert axes.get_xlabel() == "Time since the score (months)"
    with pytest.raises(InputError, match="there is no group '9'; there are 1, 2"):
        curves.plot(["1", "9"], ax=axes)


def test_the_customers_at_risk_stand_below_the_ticks(curves: ObservedCurves) -> None:
    frame = subscribers()
    axes = curves.plot(["1", "all"], ax=Figure().subplots())
    below = [text for text in axes.texts if text.xyann[1] < -50]
    for down, part in zip(sorted({text.xyann[1] for text in below}, reverse=True), ("1", "all"), strict=True):
        line = {text.get_text().replace(THIN, ""): text.xy[0] for text in below if text.xyann[1] == down}
        mine = frame if part == "all" else frame[frame["score"] == 1]
        # of those who stayed t periods the loss or the end of follow-up is in period t or later
        expected = {f"{int((mine['months'] >= max(t, 1)).sum())}": t for t in axes.get_xticks()}
        assert line == {part: 0, **expected}
    assert len(curves.plot(["1", "all"], ax=Figure().subplots(), at_risk=False).texts) == 2


def test_customers_who_enter_late_are_at_risk_from_their_entry_on() -> None:
    late = spec_of_subscribers(subscription={"duration": "months", "event": "left", "window": 3})
    frame = subscribers(300)
    axes = cxlink.kaplan_meier(cxlink.read_cohort(frame, late)).plot(["all"], Figure().subplots())
    seen = frame["months"].clip(upper=3)  # of a snapshot the last three periods alone
    expected = [f"{int((seen >= max(t, 1)).sum())}" for t in axes.get_xticks()]
    assert [text.get_text() for text in axes.texts if text.xyann[1] < -50] == ["all", *expected]
