"""The two contrasts of a falling and of a rising score: by hand, and as statsmodels gives them on the same rows."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from waves import SPEC, waves

from cxlink.checks import matching
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import person_periods, spells_of
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort
from cxlink.estimands.model_rows.change_rows import ChangeResults, change_results
from cxlink.groups.changed_scores import LEVEL, changed_scores, of_first_surveys, rivals
from cxlink.survival.proportional_hazards.hazard_fit import Unestimated, fit_hazards
from cxlink.survival.proportional_hazards.level_or_change import FOLDS, gain, scores_by_bucket

HORIZON = SPEC["analysis"]["horizon"]


@pytest.fixture(scope="module")
def counts() -> Counts:
    return read_cohort(waves(2500, 3), make_spec(SPEC)).count()


@pytest.fixture(scope="module")
def found(counts: Counts) -> ChangeResults:
    return change_results(counts, np.random.default_rng(1))


def _surveys(counts: Counts) -> pd.DataFrame:
    """One row a survey after the first, with how the score moved."""
    cells = counts.scored[counts.scored["previous"].notna()]
    rows = cells.loc[cells.index.repeat(cells["n"])].reset_index(drop=True)
    change = rows["score"].astype(int) - rows["previous"].astype(int)
    kept = (rows["exit"] >= HORIZON) | (rows["cause"] == "")
    return rows.assign(move=np.sign(change), kept=kept)


@pytest.mark.parametrize(("move", "sign"), [("fall", -1), ("rise", 1)])
@pytest.mark.parametrize(("beside", "level"), [("last", "previous"), ("present", "score")])
def test_each_contrast_is_an_average_over_the_surveys_whose_score_changed(
    counts: Counts, found: ChangeResults, move: str, sign: int, beside: str, level: str
) -> None:
    rows = _surveys(counts)
    assert (rows["exit"] >= HORIZON).sum() + ((rows["cause"] != "") & (rows["exit"] < HORIZON)).sum() == len(
        rows
    )
    rows = rows[rows["move"].isin([0, sign])]
    retained = (rows["exit"] > HORIZON) | ((rows["exit"] == HORIZON) & (rows["cause"] == ""))
    strata = [level, "stratum.survey_number", "stratum.since_last_survey"]
    by = rows.assign(retained=retained).groupby([*strata, "move"])
    each = by.agg(share=("retained", "mean"), n=("retained", "size"), buckets=("bucket", "nunique"))
    table = each.reset_index().pivot_table(index=strata, columns="move")
    table = table[(table["buckets"] > 1).all(axis=1)]
    weight = table["n"][sign] / table["n"][sign].sum()
    expected = {
        group: float((weight * table["share"][at]).sum()) for group, at in (("changed", sign), ("stayed", 0))
    }
    shown = pd.DataFrame(found.rows)
    mine = shown[(shown["scenario"] == f"{move}_given_{beside}") & (shown["horizon"] == HORIZON)]
    mine = mine[mine["model"] == "kaplan_meier"].set_index(["estimand", "group"])["estimate"]
    name = "fell" if move == "fall" else "rose"
    assert mine["retention", name] == pytest.approx(expected["changed"], abs=1e-12)
    assert mine["retention", "stayed"] == pytest.approx(expected["stayed"], abs=1e-12)
    assert mine["retention_difference", name] == pytest.approx(
        expected["changed"] - expected["stayed"], abs=1e-12
    )


def _person_periods(cells: pd.DataFrame) -> pd.DataFrame:
    """One row a survey and period at risk, ``lost`` in the last of a loss."""
    rows = cells.loc[cells.index.repeat(cells["n"])].reset_index(drop=True)
    rows = rows.loc[rows.index.repeat(rows["exit"])].reset_index()
    rows["period"] = rows.groupby("index").cumcount() + 1
    return rows.assign(lost=((rows["period"] == rows["exit"]) & (rows["cause"] != "")).astype(float))


def _dummies(rows: pd.DataFrame, *names: str) -> pd.DataFrame:
    return pd.concat(
        [pd.get_dummies(rows[name].astype(str), prefix=name, drop_first=True) for name in names], axis=1
    )


@pytest.mark.parametrize("place", range(4))
def test_proportional_hazards_are_statsmodels_with_customers_as_clusters(counts: Counts, place: int) -> None:
    compared = list(changed_scores(counts))[place]
    fit = fit_hazards(person_periods(compared.spells), "levels")
    assert not isinstance(fit, Unestimated)
    rows = _person_periods(compared.counts.cells)
    strata = [f"stratum.{LEVEL}", "stratum.survey_number", "stratum.since_last_survey"]
    changed = (rows["score"] == 1).astype(float).rename("changed")
    design = pd.concat([changed, _dummies(rows, *strata), pd.get_dummies(rows["period"])], axis=1).astype(
        float
    )
    family = sm.families.Binomial(sm.families.links.CLogLog())
    clusters = {"groups": rows["bucket"].to_numpy(int), "use_correction": False}
    theirs = sm.GLM(rows["lost"], design, family=family).fit(cov_type="cluster", cov_kwds=clusters, tol=1e-12)
    n_buckets = rows["bucket"].nunique()
    sign = 1 if fit.design.terms[0].levels == ("1",) else -1
    assert sign * fit.solution.beta[0] == pytest.approx(theirs.params["changed"], abs=1e-6)
    error = theirs.bse["changed"] * np.sqrt(n_buckets / (n_buckets - 1))
    assert np.sqrt(fit.errors.covariance[0, 0]) == pytest.approx(error, rel=1e-6)


def test_log_scores_are_of_customers_whom_the_fit_has_not_seen(counts: Counts) -> None:
    """The level alone, by statsmodels: fitted to the buckets of the other folds, summed over those of each fold."""
    one = rivals(counts)["level"]
    scores = scores_by_bucket(spells_of(one))
    assert scores is not None
    rows = _person_periods(one.cells)
    design = pd.concat([_dummies(rows, "score"), pd.get_dummies(rows["period"])], axis=1).astype(float)
    family, expected = sm.families.Binomial(sm.families.links.CLogLog()), np.zeros(200)
    for fold in range(FOLDS):
        held = (rows["bucket"] % FOLDS == fold).to_numpy()
        theirs = sm.GLM(rows["lost"][~held], design[~held], family=family).fit(tol=1e-12)
        p = theirs.predict(design[held])
        log = np.where(rows["lost"][held] > 0, np.log(p), np.log1p(-p))
        expected += np.bincount(rows["bucket"][held].to_numpy(int), log, 200)
    np.testing.assert_allclose(scores, expected, atol=1e-5)


def test_the_gain_of_a_model_has_the_error_of_buckets() -> None:
    better, worse, n = np.array([-1.0, -2.0, -3.0]), np.array([-2.0, -2.0, -5.0]), np.array([2.0, 1.0, 1.0])
    # mean gain 3/4 a survey; the buckets' gains less their share: -1/2, -3/4, 5/4
    found = gain(better, worse, n)
    assert found.mean == pytest.approx(0.75, abs=1e-12)
    assert found.std_error == pytest.approx(np.sqrt(3 / 2 * (0.25 + 0.5625 + 1.5625)) / 4, abs=1e-12)
    assert gain(better, better, n).mean == 0


def test_where_scores_are_worth_more_than_their_changes_the_level_predicts_better(
    found: ChangeResults,
) -> None:
    level, both = matching(found.checks, code="level_or_change")
    assert (level.facts["case"], both.facts["case"]) == ("level", "both")
    assert 0 < level.low < level.value < level.high


def test_a_lower_score_that_is_better_turns_falls_into_rises() -> None:
    table = waves(400, 5)
    turned = {**SPEC, "score": {"column": "score", "scale": "1-5", "higher_is_better": False}}
    one = read_cohort(table, make_spec(SPEC)).count()
    other = read_cohort(table.assign(score=6 - table["score"]), make_spec(turned)).count()
    for mine, theirs in zip(changed_scores(one), changed_scores(other), strict=True):
        assert mine.scenario == theirs.scenario
        names = ["score", "exit", "cause", "n"]
        assert (
            mine.counts.cells[names].sort_values(names).to_numpy().tolist()
            == theirs.counts.cells[names].sort_values(names).to_numpy().tolist()
        )


def test_what_a_customer_answers_later_changes_nothing_before(counts: Counts) -> None:
    """Each survey is followed from its own day on with what was known then: never along a path of later scores."""
    table = waves(2500, 3)
    last = table.groupby("customer")["day"].transform("max")
    later = (table["day"] == last) & (table["day"] > table.groupby("customer")["day"].transform("min"))
    changed = read_cohort(
        table.assign(score=table["score"].mask(later, 6 - table["score"])), make_spec(SPEC)
    ).count()
    keys = ["score", "previous", "exit", "cause", "bucket"]
    mine, theirs = (
        of_first_surveys(one).cells.groupby(keys, dropna=False)["n"].sum() for one in (counts, changed)
    )
    once = table.groupby("customer")["day"].transform("size").eq(1).sum()
    assert mine.sum() == theirs.sum() == table["customer"].nunique() > once
    pd.testing.assert_series_equal(mine, theirs)


def test_a_cohort_of_one_survey_a_customer_has_no_change() -> None:
    table = waves(300, 1)
    once = read_cohort(table.drop_duplicates("customer"), make_spec(SPEC)).count()
    found = change_results(once, np.random.default_rng(1))
    assert found.rows == []
    of_quarters = {"quarter_retention", "calendar_drift"}
    assert {check.code for check in found.checks} - of_quarters == {"surveys", "answered_again"}
    assert matching(found.checks, code="surveys")[0].value == once.scored["n"].sum()
    assert {check.value for check in matching(found.checks, code="answered_again")} == {0.0}


def test_shares_of_who_answers_again_are_counted_by_the_first_score(
    counts: Counts, found: ChangeResults
) -> None:
    table = waves(2500, 3).sort_values(["customer", "day"])
    first = table.drop_duplicates("customer").set_index("customer")["score"]
    again = table.groupby("customer").size().gt(1)
    shares = again.groupby(first).mean()
    for check in matching(found.checks, code="answered_again"):
        assert check.value == pytest.approx(shares[int(check.group)], abs=1e-12)
    moved = {check.group: check.value for check in matching(found.checks, code="score_moves")}
    assert sum(moved.values()) == pytest.approx(1, abs=1e-12)
    rows = _surveys(counts)
    assert moved["fell"] == pytest.approx((rows["move"] == -1).mean(), abs=1e-12)
