"""Gains, Shapley values and partial contrasts: beside statsmodels on rows, by hand, and as laws."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import norm
from scipy.stats import t as t_distribution

from cxlink import Counts, make_spec, read_cohort
from cxlink.checks import matching
from cxlink.metrics.drivers import driver_gains
from cxlink.metrics.drivers.additive_models import logistic, poisson
from cxlink.metrics.drivers.driver_checks import verdicts
from cxlink.metrics.drivers.driver_frame import driver_frame
from cxlink.metrics.drivers.driver_gains import retention_gains_of_scores, spend_gains_of_scores
from cxlink.metrics.drivers.driver_rows import Drivers, drivers_of
from cxlink.metrics.drivers.joint_cells import Factor, JointCells, design_of, joint_cells
from cxlink.metrics.drivers.partial_contrasts import PointContrast, retention_contrasts, spend_contrasts
from cxlink.metrics.drivers.shapley_sums import comparisons
from cxlink.metrics.drivers.simultaneous_contrasts import simultaneous_contrasts
from cxlink.metrics.metric_table import Row

TABLES = {
    "score": {"column": "a", "scale": "1-3", "others": {"b": {"column": "b", "scale": "1-3"}}},
    "subscription": {"duration": "months", "event": "left"},
    "spend": {"column": "spend", "complete": True},
    "adjust": {"columns": ["plan"]},
    "analysis": {"horizon": 3},
}


def rows(n: int = 800, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    mood = rng.normal(size=n)
    scores = {name: np.digitize(mood + rng.normal(size=n), [-1, 1]) + 1 for name in "ab"}
    plan = rng.choice(["x", "y"], n)
    left = rng.random(n) < 1 / (1 + np.exp(-0.5 + 0.7 * scores["a"] - 0.4 * (plan == "y")))
    spend = np.where(rng.random(n) < 0.2, 0.0, rng.gamma(2, 5 + 5 * scores["a"], n))
    return pd.DataFrame(
        {**scores, "plan": plan, "months": np.where(left, 2, 6), "left": left * 1, "spend": spend.round(2)}
    )


def counts_of(table: pd.DataFrame, **score: object) -> Counts:
    return read_cohort(table, make_spec({**TABLES, "score": {**TABLES["score"], **score}})).count()  # type: ignore[dict-item]


def laid_out(table: pd.DataFrame, **score: object) -> JointCells:
    counts = counts_of(table, **score)
    assert counts.drivers is not None
    return joint_cells(counts.drivers, counts.spec)


def found_of(table: pd.DataFrame, **score: object) -> Drivers:
    return drivers_of(counts_of(table, **score), np.random.default_rng(5))


def dummies(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    made = pd.get_dummies(table[list(names)].astype(str), drop_first=True, dtype=float)
    return sm.add_constant(made, has_constant="add")


def test_shapley_weights_are_the_mean_over_all_orders() -> None:
    asked = comparisons(3)
    gain = np.random.default_rng(0).normal(size=len(asked.sets))
    value = dict(zip(asked.sets, gain, strict=True))
    for j in range(3):
        added = []
        for order in permutations(range(3)):
            before = tuple(sorted(order[: order.index(j)]))
            added.append(value[tuple(sorted((*before, j)))] - value[before])
        row = asked.weights[asked.names.index(("shapley", j))]
        assert row @ gain == pytest.approx(np.mean(added), abs=1e-12)
    shares = sum(asked.weights[asked.names.index(("shapley", j))] for j in range(3))
    assert shares == pytest.approx(asked.weights[asked.names.index(("whole", -1))], abs=1e-12)


def test_gains_of_retention_are_those_of_rows_in_the_same_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folds by the rows' plan and scores are drawn here, so that statsmodels can be given the same ones."""
    table, cells = rows(), laid_out(rows())
    kept = cells.table
    fold_of = {
        key: i % 5 for i, key in enumerate(zip(kept["score"], kept["b"], kept["stratum.plan"], strict=True))
    }
    in_fold = np.array(list(fold_of.values()) * 2)
    monkeypatch.setattr(driver_gains, "_folds", lambda n, _: [n * (in_fold == k) for k in range(5)])
    gains = retention_gains_of_scores(cells, np.random.default_rng(0))
    assert gains is not None
    fold = np.array([fold_of[key] for key in zip(table["a"], table["b"], table["plan"], strict=True)])
    y = 1 - table["left"]
    score = {}
    for names in (("plan",), ("plan", "a"), ("plan", "b"), ("plan", "a", "b")):
        x, held = dummies(table, names), np.empty(len(y))
        for k in range(5):
            fit = sm.GLM(y[fold != k], x[fold != k], family=sm.families.Binomial()).fit(tol=1e-12)
            p = fit.predict(x[fold == k])
            held[fold == k] = np.log(np.where(y[fold == k] == 1, p, 1 - p))
        score[names[1:]] = held
    got = dict(zip(gains.names, gains.values, strict=True))
    error = dict(zip(gains.names, np.sqrt(np.diag(gains.covariance)), strict=True))
    for (name, j), (more, less) in {
        ("whole", -1): (("a", "b"), ()), ("alone", 0): (("a",), ()), ("beyond", 1): (("a", "b"), ("a",)),
    }.items():  # fmt: skip
        apart = score[more] - score[less]
        within = apart - pd.Series(apart).groupby(fold).transform("mean")
        assert got[name, j] == pytest.approx(apart.mean(), abs=1e-6)
        assert error[name, j] == pytest.approx(np.sqrt((within**2).sum()) / len(y), rel=1e-5)


def test_folds_have_every_customer_once_and_equal_sizes() -> None:
    n = np.array([40, 0, 7, 53, 1])
    folds = driver_gains._folds(n, np.random.default_rng(2))
    assert (np.sum(folds, axis=0) == n).all()
    assert {int(fold.sum()) for fold in folds} <= {20, 21}


@pytest.mark.long
def test_gains_of_spend_are_those_of_leaving_each_customer_out() -> None:
    table = rows(150)
    gains = spend_gains_of_scores(laid_out(table), np.random.default_rng(1))
    assert gains is not None
    y, score = table["spend"].to_numpy(), {}
    for names in (("plan",), ("plan", "a"), ("plan", "b"), ("plan", "a", "b")):
        x, held = dummies(table, names), np.empty(len(y))
        for i in range(len(y)):
            rest = np.arange(len(y)) != i
            mean = sm.GLM(y[rest], x[rest], family=sm.families.Poisson()).fit().predict(x[~rest])
            held[i] = y[i] * np.log(mean.iloc[0]) - mean.iloc[0]
        score[names[1:]] = 2 * held
    got = dict(zip(gains.names, gains.values, strict=True))
    whole = (score["a", "b"] - score[()]).mean()
    beyond = (score["a", "b"] - score["a",]).mean()
    plain = 2 * 0.02  # leaving out moves a gain by some hundredths: what is left over is of third order
    assert got["whole", -1] == pytest.approx(whole, abs=plain)
    assert got["beyond", 1] == pytest.approx(beyond, abs=plain)
    error = np.sqrt(gains.covariance[0, 0])
    assert error == pytest.approx((score["a", "b"] - score[()]).std() / np.sqrt(len(y)), rel=0.05)


@pytest.mark.parametrize("outcome", ["retention", "spend"])
def test_contrasts_are_those_of_statsmodels_on_rows(outcome: str) -> None:
    table = rows()
    cells = laid_out(table)
    made = {
        one.name: one for one in (retention_contrasts if outcome == "retention" else spend_contrasts)(cells)
    }
    x = dummies(table, ("plan", "a", "b"))
    y, family = (
        (1 - table["left"], sm.families.Binomial())
        if outcome == "retention"
        else (table["spend"], sm.families.Poisson())
    )
    fit = sm.GLM(y, x, family=family).fit(cov_type="HC0", tol=1e-12)

    def contrast(beta: np.ndarray, name: str) -> float:
        share = table[name].value_counts(normalize=True).sort_index()
        centred = share.index - share @ share.index.to_numpy()
        slope, total = share * centred / (share @ centred**2), 0.0
        for level, weight in slope.items():
            at = x.assign(**{f"{name}_{k}": float(level == k) for k in (2, 3)})
            total += weight * fit.family.link.inverse(at.to_numpy() @ beta).mean()
        return total

    beta = fit.params.to_numpy()
    steps = 1e-6 * np.eye(len(beta))
    gradient = np.array([
        [(contrast(beta + h, name) - contrast(beta - h, name)) / 2e-6 for h in steps] for name in ("a", "b")
    ])  # fmt: skip
    correction = len(table) / (len(table) - len(beta))
    covariance = gradient @ fit.cov_params().to_numpy() @ gradient.T * correction
    assert made["b"].estimate == pytest.approx(contrast(beta, "b"), rel=1e-6)
    assert made["b"].std_error == pytest.approx(np.sqrt(covariance[1, 1]), rel=1e-5)
    for name, row in zip(("score", "b"), covariance, strict=True):
        assert made[name].covariance == pytest.approx(row, rel=1e-5)


def _member(name: str, error: float, *covariance: float, freedom: float = np.inf) -> PointContrast:
    return PointContrast(name, 1.0, error, 900, freedom, covariance)


def test_contrasts_that_are_uncorrelated_have_sidaks_intervals_and_those_that_are_one_their_own() -> None:
    sidak, single = norm.ppf((1 + np.sqrt(0.95)) / 2), norm.ppf(0.975)
    for covariance, reach in ((0.0, sidak), (2.0, single), (-2.0, single)):
        found = dict(
            simultaneous_contrasts([_member("a", 1, 1, covariance), _member("b", 2, covariance, 4)], 0.95)
        )
        for name, error in (("a", 1.0), ("b", 2.0)):
            # the level of each is found to within some .0004, its critical value to .004
            assert found[name].conf_high == pytest.approx(1 + reach * error, abs=0.004 * error)
            assert found[name].conf_low == pytest.approx(1 - reach * error, abs=0.004 * error)
            assert (found[name].estimate, found[name].std_error, found[name].n) == (1.0, error, 900)


def test_each_contrast_over_buckets_has_students_interval_of_its_own_freedom() -> None:
    members = [_member("a", 1, 1, 0, freedom=8.0), _member("b", 2, 0, 4, freedom=30.0)]
    found = dict(simultaneous_contrasts(members, 0.9))
    for name, error, freedom in (("a", 1.0, 8.0), ("b", 2.0, 30.0)):
        reach = t_distribution.ppf((1 + np.sqrt(0.9)) / 2, freedom)
        assert found[name].conf_high == pytest.approx(1 + reach * error, abs=0.01 * error)


def test_a_contrast_without_an_interval_is_no_member_and_one_alone_no_family() -> None:
    unknown = PointContrast("c", np.nan, np.nan, 900, np.inf, (0.9, 1.0, 0.9))
    few = _member("c", 1, 0.9, 1, 0.9, freedom=5.0)
    first, last = _member("a", 1, 1, 0.9, 0), _member("b", 2, 0, 0.9, 4)
    for other in (unknown, few):
        found = simultaneous_contrasts([first, other, last], 0.95)
        assert [name for name, _ in found] == ["a", "b"]
        assert found[0][1].conf_high == pytest.approx(1 + norm.ppf((1 + np.sqrt(0.95)) / 2), abs=0.004)
        assert simultaneous_contrasts([first, other], 0.95) == []


def test_rows_of_all_contrasts_at_once_are_as_many_and_never_narrower() -> None:
    table = rows().assign(c=lambda t: (t["b"] + np.arange(len(t)) // 3) % 3 + 1)
    others = {name: {"column": name, "scale": "1-3"} for name in "bc"}
    found = found_of(table, others=others).table
    for outcome in ("retention", "spend"):
        own = found[found["metric"] == f"driver_{outcome}_contrast"].set_index(["version", "category"])
        alone, at_once = own.loc["partial"], own.loc["simultaneous"]
        assert list(at_once.index) == list(alone.index) == ["b", "c", "score"]
        same = ["estimate", "std_error", "level", "unit", "n"]
        pd.testing.assert_frame_equal(at_once[same], alone[same])
        wider = (at_once["conf_high"] - at_once["conf_low"]) / (alone["conf_high"] - alone["conf_low"])
        assert (wider > 1.1).all()
        assert (wider <= norm.ppf((1 + 0.95 ** (1 / 3)) / 2) / norm.ppf(0.975)).all()
        assert wider.to_numpy() == pytest.approx(wider.iloc[0], rel=1e-9)


def test_a_score_that_equals_the_other_shares_equally_and_has_no_contrast() -> None:
    table = rows()
    found = found_of(table.assign(b=table["a"]))
    frame = driver_frame(found.table, counts_of(table).spec).set_index(["outcome", "quantity", "score"])[
        "estimate"
    ]
    for outcome in ("retention", "spend"):
        shares = [frame[outcome, "shapley", name] for name in ("score", "b")]
        assert shares[0] == pytest.approx(shares[1], rel=1e-5)
        assert sum(shares) == pytest.approx(frame[outcome, "whole", ""], rel=1e-6)
        assert frame[outcome, "beyond", "b"] == pytest.approx(0.0, abs=1e-5)
        assert np.isnan(frame[outcome, "contrast", "b"])
        assert (outcome, "simultaneous", "b") not in frame
    assert [check.facts["twin"] for check in matching(found.checks, code="driver_twin")] == ["b"]
    assert len(matching(found.checks, code="driver_inseparable")) == 4


def test_the_direction_and_the_scale_turn_the_contrast_and_nothing_else() -> None:
    table = rows()
    turned = table.assign(b=7 - 2 * table["b"])
    other = {"b": {"column": "b", "scale": "1-5", "higher_is_better": False}}
    plain, back = (
        driver_frame(found.table, counts_of(table).spec).set_index(["outcome", "quantity", "score"])[
            "estimate"
        ]
        for found in (found_of(table), found_of(turned, others=other))
    )
    for outcome in ("retention", "spend"):
        # each level is two points apart now
        assert back[outcome, "contrast", "b"] == pytest.approx(plain[outcome, "contrast", "b"] / 2, rel=1e-6)
        assert back[outcome, "contrast", "score"] == pytest.approx(
            plain[outcome, "contrast", "score"], rel=1e-6
        )
    assert back["", "mean", "b"] == pytest.approx(plain["", "mean", "b"], abs=1e-10)
    assert back["spend", "shapley", "b"] == pytest.approx(plain["spend", "shapley", "b"], rel=1e-6)


@pytest.mark.long
def test_what_is_claimed_follows_the_intervals() -> None:
    for seed in range(4):
        found = found_of(rows(500, seed))
        frame = driver_frame(found.table, counts_of(rows(500, seed)).spec)
        for check in matching(found.checks, code="driver_first"):
            own = frame[frame["outcome"] == check.facts["outcome"]].set_index("quantity")
            whole, ahead = own.loc["whole"], own.loc["ahead"]
            case = "none" if whole["conf_low"] <= 0 else "claimed" if ahead["conf_low"] > 0 else "open"
            assert check.facts["case"] == case
            assert ("share" in own.index) == (case != "none")
            nothing = {
                c.facts["score"]
                for c in matching(found.checks, code="driver_adds_nothing", outcome=check.facts["outcome"])
            }
            beyond = own.loc["beyond"].set_index("score")["conf_high"]
            under = set(beyond.index[beyond < 0.05 * whole["estimate"]]) if case != "none" else set()
            assert nothing == under


def test_means_are_on_a_scale_from_worst_to_best() -> None:
    table = rows()
    frame = driver_frame(found_of(table).table, counts_of(table).spec)
    mean = frame[(frame["quantity"] == "mean") & (frame["score"] == "b")].iloc[0]
    x = (table["b"] - 1) / 2
    assert mean["estimate"] == pytest.approx(x.mean(), abs=1e-12)
    assert mean["std_error"] == pytest.approx(x.std(ddof=1) / np.sqrt(len(x)), rel=1e-10)


@pytest.mark.parametrize(("changed", "code"), [
    ({"b": 2}, "driver_constant"), ({"left": 0}, "drivers_uncompared"), ({"spend": 0.0}, "drivers_uncompared"),
])  # fmt: skip
def test_what_cannot_be_compared_is_said(changed: dict[str, object], code: str) -> None:
    found = found_of(rows(200).assign(**changed))
    assert len(matching(found.checks, code=code)) == 1


def test_whether_a_score_was_given_may_go_with_the_outcome() -> None:
    table = rows(1000)
    lacks = (table["left"] == 1) & (table.index % 3 > 0)
    found = found_of(table.assign(b=table["b"].astype("Int64").mask(lacks)))
    (check,) = matching(found.checks, code="driver_missing")
    given = 1 - table["left"][~lacks].mean()
    assert check.facts["given"] == pytest.approx(given, abs=1e-10)
    assert check.facts["lacking"] == pytest.approx(0.0, abs=1e-10)
    at_random = table.assign(b=table["b"].astype("Int64").mask(table.index % 4 == 0))
    assert not matching(found_of(at_random).checks, code="driver_missing")


def test_the_unit_of_the_weights_changes_nothing() -> None:
    cells = laid_out(rows(400))
    plain = retention_gains_of_scores(cells, np.random.default_rng(1))
    factors = {"retained_weight": 3, "lost_weight": 3, "retained_weight_sq": 9, "lost_weight_sq": 9}
    table = cells.table.assign(**{name: cells.table[name] * factor for name, factor in factors.items()})
    scaled = retention_gains_of_scores(replace(cells, table=table), np.random.default_rng(1))
    assert plain is not None
    assert scaled is not None
    assert scaled.values == pytest.approx(plain.values, rel=1e-5, abs=1e-9)
    assert scaled.covariance == pytest.approx(plain.covariance, rel=1e-4, abs=1e-12)
    errors = [[one.std_error for one in retention_contrasts(c)] for c in (cells, replace(cells, table=table))]
    assert errors[0] == pytest.approx(errors[1], rel=1e-5)


def test_a_level_in_which_nobody_was_lost_or_spent_has_finite_figures() -> None:
    table = rows(400)
    best = table["b"] == 3
    table = table.assign(left=table["left"].where(~best, 0), spend=table["spend"].where(~best, 0.0))
    frame = driver_frame(
        found_of(table.assign(months=np.where(table["left"], 2, 6))).table, counts_of(table).spec
    )
    assert np.isfinite(frame[["estimate", "std_error"]]).all().all()
    contrasts = frame[frame["quantity"] == "contrast"].set_index(["outcome", "score"])["estimate"]
    assert 0 < contrasts["retention", "b"] < 0.5
    assert contrasts["spend", "b"] < 0


@pytest.mark.parametrize(("whole", "ahead", "case"), [
    (0.1, 0.1, "claimed"), (0.1, 0.0, "open"), (0.1, -0.1, "open"), (0.0, 0.1, "none"), (-0.1, 0.1, "none"),
])  # fmt: skip
def test_a_claim_needs_both_lower_limits_above_zero(whole: float, ahead: float, case: str) -> None:
    def gain(version: str, name: str, low: float, high: float) -> Row:
        ends = {"estimate": 5.0, "conf_low": low, "conf_high": high}
        return {"metric": "driver_spend_gain", "version": version, "category": name, **ends}

    beyond = [gain("beyond", "score", 0.0, 0.24), gain("beyond", "b", 0.0, 0.25)]
    rows_ = [gain("whole", "", whole, 9.0), gain("ahead", "b", ahead, 9.0), *beyond]
    first, *nothing = verdicts("spend", rows_, ["score", "b"])
    assert first.facts["case"] == case
    assert first.facts["score"] == "score"
    assert first.facts["rivals"] == (() if ahead > 0 else ("b",))
    assert [check.facts["score"] for check in nothing] == ([] if case == "none" else ["score"])


def test_a_level_without_losses_or_spend_gets_one_customer_with_the_mean() -> None:
    """By hand: 80 of 100 were retained, all 30 of the second level; with .8 more retained and .2 lost, 30.8 of 31."""
    design = design_of([Factor("b", np.array([0, 1]), np.array([0.0, 1.0]))], 2)
    fit = logistic(design, np.array([50.0, 30.0]), np.array([20.0, 0.0]))
    assert fit.eta == pytest.approx(np.log([50 / 20, 30.8 / 0.2]), abs=1e-6)
    # a mean of 7 over all: the ten of the second level spent nothing, an eleventh 7
    spent = poisson(design, np.array([10.0, 10.0]), np.array([140.0, 0.0]))
    assert np.exp(spent.eta) == pytest.approx([14.0, 7 / 11], rel=1e-6)
