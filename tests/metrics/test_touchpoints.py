"""Slopes by touchpoint, against regressions on rows."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from cxlink.cohort.count.counts import Counts, add_up
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.metrics.touchpoint_slopes import by_touchpoint, retention_slopes, spend_slopes

SPEC = {
    "score": {"column": "s", "scale": "1-5"},
    "subscription": {"duration": "d", "event": "e"},
    "spend": {"column": "y", "complete": True},
    "adjust": {"columns": ["plan"]},
    "metrics": {"touchpoint": "where"},
}
PLACES = ("phone", "web", "person")
SLOPES = {"phone": -0.35, "web": -0.1, "person": 0.0}


def rows(n: int = 3000) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    score, plan = rng.integers(1, 6, n), np.array(["x", "y"])[rng.integers(0, 2, n)]
    place = np.array(PLACES)[rng.integers(0, 3, n)]
    slope = np.array([SLOPES[p] for p in place])
    stay = np.ceil(rng.exponential(6 * np.exp(-slope * (score - 3) - 0.3 * (plan == "y")), n))
    y = rng.gamma(2.0, 20 * np.exp(-slope * (score - 3)), n) * (rng.random(n) < 0.8)
    return pd.DataFrame({"score": score, "plan": plan, "place": place, "stay": stay, "y": y})


def counts(frame: pd.DataFrame) -> Counts:
    y = frame["y"].to_numpy()
    log = np.log(np.where(y > 0, y, 1.0))
    cells = pd.DataFrame({
        "score": pd.array(frame["score"], dtype="Int64"), "stratum.plan": frame["plan"], "entry": 0,
        "exit": np.minimum(frame["stay"], 8).astype(int), "cause": np.where(frame["stay"] <= 8, "lost", ""), "wave": "",
        "touchpoint": frame["place"], "n": 1, "spend_n": 1, "spend_zero": (y == 0).astype(int), "spend_sum": y,
        "spend_sum_sq": y**2, "spend_sum_log": log, "spend_sum_log_sq": log**2, "spend_sum_y_log": y * log,
    })  # fmt: skip
    return Counts(add_up(cells), make_spec(SPEC), Profile("rows", len(frame), len(frame)))


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return rows()


@pytest.fixture(scope="module")
def cohort(frame: pd.DataFrame) -> Counts:
    found = by_touchpoint(counts(frame))
    assert found is not None
    return found


def test_slopes_of_spend_are_a_poisson_regression_of_the_rows(cohort: Counts, frame: pd.DataFrame) -> None:
    found = spend_slopes(cohort)
    assert found is not None
    assert found.touchpoints == ("person", "phone", "web")
    plan = (frame["plan"] == "y").astype(float)
    for k, name in enumerate(found.touchpoints):
        here = frame["place"] == name
        x = sm.add_constant(np.column_stack([frame["score"], plan]).astype(float)[here])
        fit = sm.GLM(frame["y"][here], x, family=sm.families.Poisson()).fit(cov_type="HC0")
        error = fit.bse.iloc[1] * np.sqrt(here.sum() / (here.sum() - 3))
        assert found.alone[k] == pytest.approx([fit.params.iloc[1], error], rel=1e-6)
        assert found.n[k] == here.sum()
    own = np.column_stack([(frame["place"] == name) * frame["score"] for name in found.touchpoints])
    level = np.column_stack([frame["place"] == name for name in found.touchpoints[1:]])
    x = sm.add_constant(np.column_stack([own, level, plan]).astype(float))
    joint = sm.GLM(frame["y"], x, family=sm.families.Poisson()).fit(cov_type="HC0")
    fewer = len(frame) / (len(frame) - 7)
    assert found.together[:, 0] == pytest.approx(joint.params.iloc[1:4].to_numpy(), rel=1e-6)
    assert found.together[:, 1] == pytest.approx(np.sqrt(fewer) * joint.bse.iloc[1:4].to_numpy(), rel=1e-6)
    contrast = np.zeros((2, len(joint.params)))
    contrast[[0, 1], 1], contrast[0, 2], contrast[1, 3] = -1, 1, 1
    test = joint.wald_test(contrast, use_f=False, scalar=True)
    assert found.differ[0] == pytest.approx(float(test.statistic) / fewer, rel=1e-5)


def person_periods(frame: pd.DataFrame) -> pd.DataFrame:
    last = np.minimum(frame["stay"], 8).astype(int)
    long = frame.loc[frame.index.repeat(last)].reset_index(names="who")
    long["period"] = long.groupby("who").cumcount() + 1
    long["lost"] = (long["period"] == long["stay"]).astype(float)
    return long


def test_slopes_of_hazards_are_a_cloglog_regression_of_the_rows(cohort: Counts, frame: pd.DataFrame) -> None:
    found = retention_slopes(cohort)
    assert found is not None
    long = person_periods(frame)
    link = sm.families.Binomial(sm.families.links.CLogLog())
    baseline = pd.get_dummies(long["period"], dtype=float).to_numpy()
    plan = (long["plan"] == "y").astype(float)
    here = (long["place"] == "phone").to_numpy()
    x = np.column_stack([baseline, long["score"], plan]).astype(float)
    alone = sm.GLM(long["lost"][here], x[here], family=link).fit(
        cov_type="cluster", cov_kwds={"groups": long["who"][here], "use_correction": False}
    )
    k = found.touchpoints.index("phone")
    assert found.alone[k] == pytest.approx([alone.params.iloc[-2], alone.bse.iloc[-2]], rel=1e-5)
    own = np.column_stack([(long["place"] == name) * long["score"] for name in found.touchpoints])
    level = np.column_stack([long["place"] == name for name in found.touchpoints[1:]])
    joint = sm.GLM(
        long["lost"], np.column_stack([baseline, own, level, plan]).astype(float), family=link
    ).fit(cov_type="cluster", cov_kwds={"groups": long["who"], "use_correction": False})
    slopes, errors = joint.params.iloc[8:11].to_numpy(), joint.bse.iloc[8:11].to_numpy()
    assert found.together[:, 0] == pytest.approx(slopes, rel=1e-5, abs=1e-7)
    assert found.together[:, 1] == pytest.approx(errors, rel=1e-5)
    truth = np.array([SLOPES[name] for name in found.touchpoints])
    assert (np.abs(found.together[:, 0] - truth) < 4 * found.together[:, 1]).all()
    assert found.differ[1] < 1e-6


def test_touchpoints_that_tell_nothing_have_no_slope(frame: pd.DataFrame) -> None:
    constant = frame.assign(score=frame["score"].where(frame["place"] != "web", 3))
    made = by_touchpoint(counts(constant))
    assert made is not None
    slopes = retention_slopes(made), spend_slopes(made)
    assert [s.touchpoints for s in slopes if s is not None] == [("person", "phone")] * 2
    unspent = by_touchpoint(counts(frame.assign(y=frame["y"].where(frame["place"] != "web", 0.0))))
    assert unspent is not None
    kept = spend_slopes(unspent)
    assert kept is not None
    assert kept.touchpoints == ("person", "phone")


def test_one_touchpoint_alone_is_not_compared(frame: pd.DataFrame) -> None:
    made = by_touchpoint(counts(frame.assign(place="web")))
    assert made is not None
    found = spend_slopes(made)
    assert found is not None
    assert np.isnan(found.differ).all()
    assert (found.alone == found.together).all()


def test_separated_scores_keep_a_finite_slope(frame: pd.DataFrame) -> None:
    gone = frame.assign(stay=np.where(frame["score"] == 1, 1, 99))
    made = by_touchpoint(counts(gone))
    assert made is not None
    found = retention_slopes(made)
    assert found is not None
    assert np.isfinite(found.together).all()
    assert (found.together[:, 0] < 0).all()


def test_customers_of_no_touchpoint_are_left_out() -> None:
    made = counts(rows(50).assign(place="(missing)"))
    assert by_touchpoint(made) is None
