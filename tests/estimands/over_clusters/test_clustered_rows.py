"""Student's intervals by effective buckets; none where errors are not known over them."""

from dataclasses import replace

import numpy as np
import pytest
from clustered import account_counts, account_rows, n_buckets
from scipy.stats import t

from cxlink.checks import Check
from cxlink.cohort.count.clusters import bucket_of
from cxlink.cohort.count.counts import without_buckets
from cxlink.estimands.e_values import e_value
from cxlink.estimands.over_clusters.cluster_checks import design_effects
from cxlink.estimands.over_clusters.clustered_rows import Clustering, clustering, student_ends, student_factor
from cxlink.groups.effective_buckets import effective_of

Row = dict[str, object]


@pytest.fixture(scope="module")
def made() -> Clustering:
    found = clustering(account_counts())
    assert found is not None
    return found


def _row(**changed: object) -> Row:
    usual = {
        "estimand": "retention", "model": "grouped_ph", "group": "best", "reference": "", "adjusted": "no",
        "estimate": 0.8, "std_error": 0.02, "conf_low": 0.75, "conf_high": 0.84, "level": 0.95, "unit": "probability",
    }  # fmt: skip
    return {**usual, **changed}


def test_independent_customers_are_left_alone() -> None:
    assert clustering(account_counts(None)) is None


def test_factor_by_the_books() -> None:
    assert student_factor(10, 0.95) == pytest.approx(2.228139 / 1.959964, abs=1e-6)
    assert student_factor(30, 0.9) == pytest.approx(t.isf(0.05, 30) / 1.644854, abs=1e-6)


@pytest.mark.parametrize(
    ("row", "scale"),
    [
        (_row(), lambda p: np.log(p / (1 - p))),
        (_row(unit="ratio", reference="worst", estimate=1.2, conf_low=1.0, conf_high=1.5), np.log),
        (_row(unit="EUR", estimate=30.0, conf_low=25.0, conf_high=40.0), np.log),
        (_row(unit="EUR", reference="worst", estimate=-3.0, conf_low=-9.0, conf_high=4.0), lambda x: x),
    ],
    ids=["probability", "ratio", "amount", "difference"],
)
def test_ends_are_stretched_on_the_scale_of_the_quantity(row: Row, scale: object) -> None:
    low, high = (scale(end) for end in student_ends(row, 12.0))  # type: ignore[operator]
    point = scale(row["estimate"])  # type: ignore[operator]
    factor = student_factor(12.0, 0.95)
    assert low == pytest.approx(point + factor * (scale(row["conf_low"]) - point))  # type: ignore[operator]
    assert high == pytest.approx(point + factor * (scale(row["conf_high"]) - point))  # type: ignore[operator]


def test_a_row_is_stretched_once_by_its_own_buckets(made: Clustering) -> None:
    assert made.buckets is not None
    freedom = made.buckets.effective(("best",), "no")
    assert 20 < freedom < 60
    (once,) = made.rows([_row()])
    assert (once["conf_low"], once["conf_high"]) == pytest.approx(student_ends(_row(), freedom))
    assert once["std_error"] == 0.02
    assert made.rows([once]) == [once]


@pytest.mark.parametrize(
    "changed",
    [{"model": "posterior"}, {"scenario": "measurement_error"}, {"group": "asked_twice"}],
    ids=str,
)
def test_what_is_not_made_over_buckets_has_no_interval(made: Clustering, changed: Row) -> None:
    (row,) = made.rows([_row(**changed)])
    assert np.isnan([row["std_error"], row["conf_low"], row["conf_high"]]).all()
    assert row["estimate"] == 0.8


def test_without_buckets_nothing_has_an_interval() -> None:
    counts = account_counts()
    blind = clustering(replace(counts, cells=without_buckets(counts.cells)))
    assert blind is not None
    assert np.isnan(blind.rows([_row()])[0]["conf_low"])
    coefficient = {
        "model": "grouped_ph",
        "term": "score",
        "level": "2",
        "reference": "1",
        "level_of_interval": 0.95,
    }
    numbers = {"estimate": 0.1, "std_error": 0.1, "conf_low": -0.1, "conf_high": 0.3}
    assert np.isnan(blind.coefficients([{**coefficient, **numbers}])[0]["conf_low"])


def test_under_six_buckets_an_estimate_stands_alone(made: Clustering) -> None:
    counts = account_counts()
    cells = counts.cells.assign(bucket=counts.cells["bucket"] % 5)
    few = clustering(replace(counts, cells=cells))
    assert few is not None
    (row,) = few.rows([_row()])
    assert np.isnan(row["conf_low"])
    six = clustering(replace(counts, cells=counts.cells.assign(bucket=counts.cells["bucket"] % 12)))
    assert six is not None
    assert not np.isnan(six.rows([_row()])[0]["conf_low"])


def test_strata_where_a_level_has_one_bucket_are_left_out_of_what_is_standardised(made: Clustering) -> None:
    counts = account_counts()
    cells = counts.cells.copy()
    cells.loc[(cells["score"] == 5) & (cells["stratum.plan"] == "a"), "bucket"] = 7
    lone = clustering(replace(counts, cells=cells))
    assert lone is not None
    assert lone.buckets is not None
    plan_b = cells[(cells["score"] == 5) & (cells["stratum.plan"] == "b")].groupby("bucket")["n"].sum()
    assert lone.buckets.effective(("5",), "standardised") == pytest.approx(
        effective_of(plan_b.to_numpy(float))
    )
    curve = _row(adjusted="standardised", model="kaplan_meier", group="best")
    assert not np.isnan(lone.rows([curve])[0]["conf_low"])
    # a projection averages that stratum as well
    asked = [{**curve, "model": "spliced", "group": group} for group in ("best", "3")]
    assert [bool(np.isnan(row["conf_low"])) for row in lone.rows(asked)] == [True, False]
    assert not np.isnan(made.rows(asked)[0]["conf_low"])


def test_an_e_value_is_that_of_the_stretched_limit(made: Clustering) -> None:
    ratio = _row(
        estimand="retention_ratio", unit="ratio", reference="worst", estimate=1.4, conf_low=1.2, conf_high=1.6,
        adjusted="standardised",
    )  # fmt: skip
    e = {**ratio, "estimand": "e_value", "estimate": e_value(1.4), "std_error": np.nan, "conf_low": e_value(1.2),
         "conf_high": np.nan}  # fmt: skip
    stretched, limit = made.rows([ratio, e])
    assert limit["conf_low"] == pytest.approx(e_value(float(stretched["conf_low"])))
    assert 1 < stretched["conf_low"] < 1.2
    near = made.rows([{**e, "conf_low": e_value(1.0005), "estimate": e_value(1.1)}])[0]
    assert near["conf_low"] == 1.0


def test_checks_have_students_p_value_or_none(made: Clustering) -> None:
    facts = {"z": 2.0, "p": 0.0455}
    trend, other = made.checks([
        Check("trend", "grouped_ph", "", 0.9, 0.8, 1.01, facts=facts),
        Check("log_score_gain", "grouped_ph", value=1.0, facts={"std_error": 0.5}),
    ])  # fmt: skip
    assert made.buckets is not None
    freedom = made.buckets.effective(("all",), "no")
    assert trend.facts["p"] == pytest.approx(2 * t.sf(2.0, freedom))
    assert trend.low < 0.8
    assert np.isnan(other.facts["std_error"])  # type: ignore[arg-type]


def test_design_effects_by_loops() -> None:
    rows = account_rows()
    bucket = rows["account"].map(bucket_of)
    kept = (~((rows["left"] == 1) & (rows["months"] <= 6))).astype(float)
    found = {check.facts["case"]: check for check in design_effects(account_counts())}
    for case, value in (("retention", kept), ("spend", rows["spend"])):
        apart = value - value.mean()
        effect = n_buckets() / (n_buckets() - 1) * (apart.groupby(bucket).sum() ** 2).sum() / (apart**2).sum()
        assert found[case].value == pytest.approx(effect)
        assert found[case].facts["icc"] == pytest.approx((effect - 1) / 5)
    assert list(design_effects(account_counts(None))) == []


def test_an_infinite_estimate_has_no_interval() -> None:
    row = {
        "estimate": np.inf,
        "conf_low": 2.0,
        "conf_high": np.inf,
        "level": 0.95,
        "unit": "ratio",
        "reference": "1",
    }
    assert np.isnan(student_ends(row, 20)).all()
