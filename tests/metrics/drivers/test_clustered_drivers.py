"""Scores of customers in accounts: the same contrasts, errors over buckets by hand, folds of whole buckets."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from cxlink import Counts, make_spec, read_cohort
from cxlink.checks import matching
from cxlink.cohort.count.clusters import BUCKETS, bucket_of
from cxlink.cohort.count.driver_counts import without_buckets
from cxlink.groups.bucket_folds import fold_of_buckets
from cxlink.metrics.drivers import bucketed_gains
from cxlink.metrics.drivers.driver_frame import driver_frame
from cxlink.metrics.drivers.driver_gains import retention_gains_of_scores, spend_gains_of_scores
from cxlink.metrics.drivers.driver_rows import drivers_of
from cxlink.metrics.drivers.joint_cells import JointCells, joint_cells
from cxlink.metrics.drivers.partial_contrasts import retention_contrasts, spend_contrasts

KEY = ["outcome", "quantity", "score"]


def rows(n: int = 900, size: int = 6, seed: int = 1) -> pd.DataFrame:
    """Customers of accounts that share what they think, whether they stay and what they spend."""
    rng = np.random.default_rng(seed)
    account = np.arange(n) // size
    mood, fate = rng.normal(size=(2, account.max() + 1))[:, account]
    scores = {name: np.digitize(mood + 0.6 * rng.normal(size=n), [-1, 1]) + 1 for name in "ab"}
    left = rng.random(n) < 1 / (1 + np.exp(0.7 * scores["a"] - 1.4 + 1.2 * fate))
    spend = rng.gamma(2, (5 + 5 * scores["a"]) * np.exp(0.5 * fate))
    return pd.DataFrame({
        **scores, "plan": rng.choice(["x", "y"], n), "months": np.where(left, 2, 6), "left": left * 1,
        "spend": spend.round(2), "account": [f"A{k}" for k in account],
    })  # fmt: skip


def counts_of(table: pd.DataFrame, cluster: str | None = "account") -> Counts:
    return read_cohort(table, make_spec({
        "cohort": {"cluster": cluster} if cluster else {},
        "score": {"column": "a", "scale": "1-3", "others": {"b": {"column": "b", "scale": "1-3"}}},
        "subscription": {"duration": "months", "event": "left"}, "spend": {"column": "spend", "complete": True},
        "adjust": {"columns": ["plan"]}, "analysis": {"horizon": 3},
    })).count()  # fmt: skip


def laid_out(table: pd.DataFrame, cluster: str | None = "account") -> JointCells:
    counts = counts_of(table, cluster)
    assert counts.drivers is not None
    return joint_cells(counts.drivers, counts.spec)


def found_of(counts: Counts) -> pd.DataFrame:
    return driver_frame(drivers_of(counts, np.random.default_rng(5)).table, counts.spec).set_index(KEY)


def dummies(table: pd.DataFrame, names: tuple[str, ...]) -> np.ndarray:
    made = pd.get_dummies(table[list(names)].astype(str), drop_first=True, dtype=float)
    return np.column_stack([np.ones(len(table)), made.to_numpy()])


@pytest.mark.parametrize("outcome", ["retention", "spend"])
def test_contrasts_are_those_without_accounts_with_errors_by_leaving_out_a_bucket(outcome: str) -> None:
    """By hand on rows: one Newton step without each bucket, the contrast again at every step's coefficients."""
    table = rows()
    contrasts = retention_contrasts if outcome == "retention" else spend_contrasts
    made, plain = ({one.name: one for one in contrasts(laid_out(table, name))} for name in ("account", None))
    x = dummies(table, ("plan", "a", "b"))
    y = (1 - table["left"]).to_numpy(float) if outcome == "retention" else table["spend"].to_numpy()
    family = sm.families.Binomial() if outcome == "retention" else sm.families.Poisson()
    theta = np.asarray(sm.GLM(y, x, family=family).fit(tol=1e-13).params)
    mean = family.link.inverse
    curved = mean(x @ theta) * (1 - mean(x @ theta)) if outcome == "retention" else mean(x @ theta)
    bucket = table["account"].map(bucket_of).to_numpy()
    present = np.unique(bucket)
    steps = []
    for one in present:
        rest = bucket != one
        left = x[rest].T @ (curved[rest, None] * x[rest])
        mine = ~rest
        steps.append(-np.linalg.solve(left, x[mine].T @ (y - mean(x @ theta))[mine]))

    def contrast(at: np.ndarray, columns: dict[int, int], name: str) -> float:
        share = np.array([(table[name] == k).mean() for k in (1, 2, 3)])
        level = []
        for k in (1, 2, 3):
            moved = x.copy()
            for other, place in columns.items():
                moved[:, place] = float(other == k)
            level.append(mean(moved @ at).mean())
        centred = np.arange(1, 4) - share @ np.arange(1, 4)
        return float(share * centred / (share @ centred**2) @ level)

    of_moves = []
    for name, column, columns in (("score", "a", {2: 2, 3: 3}), ("b", "b", {2: 4, 3: 5})):
        assert made[name].estimate == pytest.approx(plain[name].estimate, rel=1e-9)
        assert made[name].estimate == pytest.approx(contrast(theta, columns, column), rel=1e-6)
        gradient = np.array([
            (contrast(theta + 1e-5 * e, columns, column) - contrast(theta - 1e-5 * e, columns, column)) / 2e-5
            for e in np.eye(len(theta))
        ])  # fmt: skip
        moves = np.array(steps) @ gradient
        error = np.sqrt((moves**2).sum() * (len(present) - 1) / len(present))
        assert made[name].std_error == pytest.approx(error, rel=1e-5)
        influence = (x @ np.linalg.solve(x.T @ (curved[:, None] * x), gradient)) ** 2 * curved
        q = np.bincount(bucket, influence) ** 2
        assert made[name].freedom == pytest.approx(q.sum() ** 2 / (q**2).sum(), rel=1e-5)
        assert plain[name].freedom == np.inf
        of_moves.append(moves)
    both = np.array(of_moves) @ np.array(of_moves).T * (len(present) - 1) / len(present)
    for name, row in zip(("score", "b"), both, strict=True):
        assert made[name].covariance == pytest.approx(row, rel=1e-5)
    assert made["score"].std_error > 1.1 * plain["score"].std_error


@pytest.mark.parametrize("outcome", ["retention", "spend"])
def test_gains_are_those_of_rows_in_folds_of_whole_buckets(
    outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folds by the last digit of the bucket are set here, so that statsmodels can be given the same ones."""
    table = rows()
    monkeypatch.setattr(
        bucketed_gains, "fold_of_buckets", lambda size, folds, _: np.arange(len(size)) % folds
    )
    gained = retention_gains_of_scores if outcome == "retention" else spend_gains_of_scores
    gains = gained(laid_out(table), np.random.default_rng(0))
    assert gains is not None
    bucket = table["account"].map(bucket_of).to_numpy()
    fold, y = bucket % 5, (1 - table["left"] if outcome == "retention" else table["spend"]).to_numpy(float)
    family = sm.families.Binomial() if outcome == "retention" else sm.families.Poisson()
    score = {}
    for names in (("plan",), ("plan", "a"), ("plan", "b"), ("plan", "a", "b")):
        x, held = dummies(table, names), np.empty(len(y))
        for k in range(5):
            p = sm.GLM(y[fold != k], x[fold != k], family=family).fit(tol=1e-13).predict(x[fold == k])
            mine = y[fold == k]
            held[fold == k] = np.log(np.where(mine == 1, p, 1 - p)) if outcome == "retention" else 2 * (
                mine * np.log(p) - p
            )  # fmt: skip
        score[names[1:]] = held
    apart = score["a", "b"] - score["b",]
    place = gains.names.index(("beyond", 0))
    assert gains.values[place] == pytest.approx(apart.mean(), abs=1e-6 * np.abs(apart).max())
    total = 0.0
    for k in range(5):
        mine = fold == k
        each = np.bincount(bucket[mine], (apart - apart[mine].mean())[mine], BUCKETS)
        h = np.bincount(bucket[mine], minlength=BUCKETS) / mine.sum()
        total += (each**2 / (1 - 2 * h + (h**2).sum())).sum()
    assert gains.covariance[place, place] == pytest.approx(total / len(y) ** 2, rel=1e-5)
    sizes = np.bincount(bucket, minlength=BUCKETS) ** 2.0
    assert gains.freedom == pytest.approx(sizes.sum() ** 2 / (sizes**2).sum(), rel=1e-12)


def test_no_bucket_is_in_two_folds_and_folds_are_of_like_size() -> None:
    size = np.array([9, 0, 7, 7, 5, 4, 3, 2, 2, 1, 0])
    fold = fold_of_buckets(size, 3, np.random.default_rng(1))
    filled = np.bincount(fold, size, 3)
    assert fold.shape == size.shape
    assert filled.sum() == size.sum()
    assert filled.max() - filled.min() <= 2


def test_customers_who_are_accounts_of_their_own_have_the_errors_of_independent_ones() -> None:
    table = rows(size=1)
    over, plain = found_of(counts_of(table)), found_of(counts_of(table, None))
    contrasts = [key for key in plain.index if key[1] in ("contrast", "mean")]
    ratio = over.loc[contrasts, "std_error"] / plain.loc[contrasts, "std_error"]
    # errors from some 200 buckets differ by 1/√400 each, four times that at most
    assert ratio.between(0.8, 1.2).all()


def test_scores_of_whole_accounts_have_wider_intervals() -> None:
    table = rows()
    table["a"] = table.groupby("account")["a"].transform("first")
    over, plain = found_of(counts_of(table)), found_of(counts_of(table, None))
    for key in (("", "mean", "score"), ("retention", "contrast", "score"), ("spend", "contrast", "score")):
        assert over.loc[key, "estimate"] == pytest.approx(plain.loc[key, "estimate"], rel=1e-9)
        assert over.loc[key, "std_error"] > 1.2 * plain.loc[key, "std_error"]
    width = over["conf_high"] - over["conf_low"]
    assert (width >= 2 * 1.96 * over["std_error"] * (1 - 1e-9)).all()
    for outcome in ("retention", "spend"):
        kinds = [over.loc[outcome].loc[kind] for kind in ("contrast", "simultaneous")]
        alone, at_once = (one["conf_high"] - one["conf_low"] for one in kinds)
        assert (at_once > 1.05 * alone).all()


def test_few_accounts_have_no_interval_and_nothing_is_said_to_tell_most() -> None:
    table = rows(60, size=12)
    found = drivers_of(counts_of(table), np.random.default_rng(5))
    assert found.table["estimate"].notna().any()
    assert found.table[["std_error", "conf_low", "conf_high"]].isna().all(axis=None)
    first = matching(found.checks, code="driver_first")
    assert [one.facts["case"] for one in first] == ["unknown", "unknown"]
    assert not matching(found.checks, code="driver_adds_nothing")
    assert "driver_retention_share" not in set(found.table["metric"])
    assert "simultaneous" not in set(found.table["version"])


def test_counts_that_lost_their_buckets_have_estimates_alone() -> None:
    counts = counts_of(rows())
    assert counts.drivers is not None
    lost = replace(counts, drivers=without_buckets(counts.drivers))
    found, whole = found_of(lost), found_of(counts)
    assert found["conf_low"].isna().all()
    assert "simultaneous" not in found.index.get_level_values("quantity")
    contrast = ("retention", "contrast", "score")
    assert found.loc[contrast, "estimate"] == pytest.approx(whole.loc[contrast, "estimate"], rel=1e-9)


def test_a_gap_of_who_answered_is_held_against_accounts_that_are_all_alike() -> None:
    """By hand: of 120 who gave b 30 % are lost, of 120 who did not 10 %: 4 standard errors, 2 of accounts of four."""
    given = np.arange(240) % 2 == 1
    lost = np.isin(np.arange(240) % 20, [1, 3, 5, 0])
    table = pd.DataFrame({
        "a": np.tile([1, 2, 3, 2], 60), "b": np.where(given, np.where(np.arange(240) % 4 == 1, 3.0, 2.0), np.nan),
        "plan": "x", "months": np.where(lost, 2, 6), "left": lost * 1, "spend": 1.0,
        "account": [f"A{k // 4}" for k in range(240)],
    })  # fmt: skip
    plain, over = (
        drivers_of(counts_of(table, name), np.random.default_rng(5)).checks for name in (None, "account")
    )
    assert matching(plain, code="driver_missing")
    assert not matching(over, code="driver_missing")


def test_outcomes_of_one_bucket_alone_are_learnt_from_nobody() -> None:
    """All who were lost are of one account: where it is held out, the others say nothing of whom to expect to lose."""
    table = rows(240, size=12)
    gone = table["account"] == "A3"
    table["left"], table["months"] = gone * 1, np.where(gone, 2, 6)
    gains = retention_gains_of_scores(laid_out(table), np.random.default_rng(0))
    assert gains is not None
    assert np.isfinite(gains.values).all()
    assert np.isfinite(gains.covariance).all()
