"""Customers without a score: their own curve, the mix of everybody, the tipping point."""

import numpy as np
import pandas as pd
import pytest
from check_fields import check_fields
from cohorts import cell_rows, counts_of, random_rows, spec_for
from lifelines import KaplanMeierFitter

from cxlink.analysis import analyse
from cxlink.checks import Check, matching
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.mix import NO_STRATUM, mix_of
from cxlink.cohort.count.spells import spells_of
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort
from cxlink.estimands.headline import headline
from cxlink.estimands.tidy import select, tidy
from cxlink.report.check_notes import note
from cxlink.sensitivity.nonresponse import NOT_SCORED, tipping_point, unscored_spells
from cxlink.sensitivity.nonresponse_rows import response_findings, target_findings, unscored_rows
from cxlink.sensitivity.sensitivity_analyses import sensitivity_of_counts, sensitivity_of_headline
from cxlink.study.population import LEVELS, transaction
from cxlink.study.simulate import simulate


def unanswered(rows: pd.DataFrame, share: float, seed: int = 1) -> pd.DataFrame:
    gone = np.random.default_rng(seed).random(len(rows)) < share
    return rows.assign(score=rows["score"].astype(float).mask(gone))


def estimated(counts: Counts) -> tuple[pd.DataFrame, list[Check]]:
    """The headline, and what stands beside it; without the families, which take long."""
    rows, findings = headline(
        spells_of(counts),
        counts,
        np.random.default_rng(1),
        lambda curves: sensitivity_of_headline(curves, counts, None),
    )
    more, found = sensitivity_of_counts(counts)
    return tidy([*rows, *more]), [*findings, *found]


def kaplan_meier_of(rows: pd.DataFrame, at: int) -> float:
    return float(KaplanMeierFitter().fit(rows["exit"], rows["cause"] != "").predict(at))


def test_their_curve_is_that_of_their_rows() -> None:
    spec = spec_for(adjust=("plan",), draws=200)
    rows = unanswered(random_rows(5, 900, strata=2), 0.5)
    table = tidy(unscored_rows(counts_of(rows, spec), np.random.default_rng(1))[0])
    theirs = rows[rows["score"].isna()]
    assert set(table["group"]) == {NOT_SCORED}
    plain = select(table, adjusted="no").set_index("horizon")
    for t in range(1, 10):
        assert plain.loc[t, "estimate"] == pytest.approx(kaplan_meier_of(theirs, t), rel=1e-8)
    # standardised: their strata, in the proportions of those who answered
    share = rows.loc[rows["score"].notna(), "plan"].value_counts(normalize=True)
    expected = sum(w * kaplan_meier_of(theirs[theirs["plan"] == plan], 6) for plan, w in share.items())
    (average,) = select(table, adjusted="standardised", horizon=6).to_dict("records")
    assert average["estimate"] == pytest.approx(expected, rel=1e-8)
    assert average["conf_low"] < expected < average["conf_high"]
    assert average["n"] == len(theirs)


def test_nobody_unanswered_and_everybody_unanswered() -> None:
    spec = spec_for(draws=100)
    whole = counts_of(random_rows(5, 200), spec)
    assert unscored_rows(whole, np.random.default_rng(1)) == ([], [])
    assert list(response_findings(whole)) == []
    nobody = counts_of(unanswered(random_rows(5, 200), 1.0), spec)
    analysis = analyse(nobody)
    assert analysis.estimates.empty
    assert analysis.checks(code="response")["value"].tolist() == [0.0]


def test_a_clock_that_cannot_start_gives_no_row_and_says_so() -> None:
    dates = {
        "score": [5, 9, None, None], "signup": ["2024-01-10"] * 4, "end": [None, None, "2025-05-01", None],
        "survey": ["2025-01-10", "2025-02-10", None, None],
    }  # fmt: skip
    for clock in ("survey", "signup"):
        sub = {
            "clock": clock,
            "survey": "survey",
            "signup": "signup",
            "end": "end",
            "observed_until": "2026-06-30",
        }
        spec = {"score": {"column": "score", "scale": "1-10"}, "subscription": sub, "adjust": {"bands": {}}}
        counts = read_cohort(pd.DataFrame(dates), make_spec(spec)).count()
        assert unscored_spells(counts) is None
        rows, findings = unscored_rows(counts, np.random.default_rng(1))
        assert rows == []
        assert check_fields(*findings) == check_fields(Check("clock_starts", "kaplan_meier", NOT_SCORED, 0.0))


def test_the_share_whose_clock_starts_is_of_those_without_a_score_by_hand() -> None:
    rows = pd.DataFrame({"score": [1, 5, 5, *[np.nan] * 5], "exit": [3, 3, 2, 3, 2, 1, 0, 0], "cause": ""})
    _, findings = unscored_rows(counts_of(rows, spec_for(horizon=2, draws=100)), np.random.default_rng(1))
    # of five without a score two were never at risk
    assert [check.value for check in matching(findings, code="clock_starts", group=NOT_SCORED)] == [
        pytest.approx(3 / 5, rel=1e-10)
    ]


def test_the_response_of_each_stratum_but_not_of_one_that_only_a_score_makes_known() -> None:
    spec = spec_for(adjust=("plan", "since"))
    rows = pd.DataFrame({
        "score": [1, 5, None, None], "plan": ["x", "y", "y", "y"], "since": ["new", "old", "(missing)", "(missing)"],
        "exit": 3, "cause": "",
    })  # fmt: skip
    said = list(response_findings(counts_of(rows, spec)))
    assert {(check.code, check.group) for check in said} == {("response", "all")}
    assert {check.get("stratum"): check.value for check in said} == {
        "": 0.5, "plan=x": 1.0, "plan=y": pytest.approx(1 / 3, rel=1e-10),
    }  # fmt: skip
    hidden = counts_of(
        rows, spec.model_copy(update={"publish": spec.publish.model_copy(update={"smallest_cell": 2})})
    )
    (small,) = matching(response_findings(hidden), stratum="plan=x")
    assert np.isnan(small.value)


def test_standardised_to_everybody_by_hand() -> None:
    # x: 3 in 4 of the scored, 1 in 3 of all; S(1) of worst .5 (x) and .2 (y), of best 1 and .6
    spec = spec_for(horizon=1, adjust=("plan",), draws=100, target="customers")
    cells = [
        (1, "x", 1, 1, 15), (1, "x", 1, 0, 15), (1, "y", 1, 1, 8), (1, "y", 1, 0, 2),
        (5, "x", 1, 0, 30), (5, "y", 1, 1, 4), (5, "y", 1, 0, 6),
    ]  # fmt: skip
    scored = cell_rows(*cells)
    others = pd.DataFrame({"score": np.nan, "plan": ["y"] * 100, "entry": 0, "exit": 1, "cause": ""})
    rows = pd.concat([scored, others], ignore_index=True)
    table, _ = estimated(counts_of(rows, spec))
    found = select(table, estimand="retention", model="kaplan_meier", adjusted="standardised", horizon=1)
    values = found.set_index("group")["estimate"]
    assert values["worst"] == pytest.approx(0.5 / 3 + 0.2 * 2 / 3, rel=1e-10)
    assert values["best"] == pytest.approx(1 / 3 + 0.6 * 2 / 3, rel=1e-10)
    usual = spec_for(horizon=1, adjust=("plan",), draws=100)
    main, _ = estimated(counts_of(rows, usual))
    keys = {"estimand": "retention", "model": "kaplan_meier", "adjusted": "standardised", "group": "worst"}
    found = select(main, **keys, horizon=1)
    assert found["estimate"].tolist() == pytest.approx([0.75 * 0.5 + 0.25 * 0.2], rel=1e-10)


def test_strata_where_nobody_answered_are_left_out_and_told() -> None:
    spec = spec_for(horizon=1, adjust=("plan",), draws=100, target="customers")
    scored = cell_rows((1, "x", 1, 1, 10), (5, "x", 1, 0, 10), (1, "y", 1, 0, 10), (5, "y", 1, 0, 10))
    others = pd.DataFrame({"score": np.nan, "plan": ["z"] * 60, "entry": 0, "exit": 1, "cause": ""})
    counts = counts_of(pd.concat([scored, others], ignore_index=True), spec)
    table, checks = estimated(counts)
    (support,) = matching(checks, code="support", model="kaplan_meier", group="best", reference="worst")
    assert support.value == pytest.approx(0.4, rel=1e-10)
    assert (support.facts["case"], support.passed) == ("retention_customers", False)
    assert note(support).startswith("share of all customers in strata")
    (reach,) = target_findings(counts)
    assert reach.value == pytest.approx(0.4, rel=1e-10)
    assert (reach.code, reach.bound, reach.passed, reach.facts) == ("target", 0.9, False, {"case": "share"})
    value = select(table, estimand="retention", group="worst", adjusted="standardised", horizon=1)
    assert (value["estimate"] == 0.5).any()


def test_nothing_adjusted_for_changes_nothing_and_says_so() -> None:
    rows = unanswered(random_rows(2, 300), 0.4)
    one, two = (estimated(counts_of(rows, spec_for(draws=100, target=t))) for t in ("scored", "customers"))
    pd.testing.assert_frame_equal(one[0], two[0])
    (found,) = matching(two[1], code="target")
    assert (found.passed, found.facts) == (False, {"case": "nothing"})
    assert note(found).startswith('target = "customers" has no effect')
    assert not matching(one[1], code="target")


def test_a_mix_keeps_everybody_and_spreads_what_is_not_known() -> None:
    strata = pd.DataFrame({"stratum.plan": ["x", "x", "y"], "stratum.since": ["new", "old", "new"]})
    cells = pd.DataFrame(
        [
            ("x", "new", 3, 9, 5, 30), ("x", "old", 7, 9, 5, 10), ("y", "new", 2, 9, 5, 20),
            ("x", "(missing)", 0, 0, None, 8),  # over the two strata of x, 3 to 1, at their entries
            ("y", "new", 4, 9, None, 20), ("y", "new", 0, 0, None, 4),  # over the entries 2 and 4 of its stratum
            ("z", "(missing)", 1, 4, None, 5), ("z", "new", 1, 4, None, 3),
        ],
        columns=["stratum.plan", "stratum.since", "entry", "exit", "score", "n"],
    )  # fmt: skip
    mix = mix_of(cells.astype({"score": "Int64"}), strata, late=True)
    found = dict(zip(zip(mix.stratum.tolist(), mix.entry.tolist(), strict=True), mix.n.tolist(), strict=True))
    expected = {(0, 3): 36.0, (1, 7): 12.0, (2, 2): 22.0, (2, 4): 22.0, (NO_STRATUM, 0): 8.0}
    assert found == pytest.approx(expected, rel=1e-10)
    assert mix.n.sum() == pytest.approx(cells["n"].sum(), rel=1e-10)


def test_late_entries_of_everybody_weigh_the_curve() -> None:
    rows = random_rows(8, 1500, strata=2, late=True)
    rows = rows.assign(score=rows["score"].astype(float).mask(rows["entry"] > 2))
    counts = counts_of(rows, spec_for(horizon=3, adjust=("plan",), late=True, target="customers"))
    spells = spells_of(counts)
    assert spells.mix is not None
    total = pd.Series(spells.mix.n).groupby(spells.mix.entry).sum()
    seen = rows[rows["score"].notna() | (rows["exit"] > rows["entry"])]
    shares = seen.groupby("entry").size()
    assert total.index.tolist() == shares.index.tolist()
    assert total.sum() == pytest.approx(len(rows), rel=1e-10)


def test_the_mix_of_everybody_finds_the_truth() -> None:
    made = simulate("transaction", 120_000, 11)
    spec = make_spec({**made.spec, "analysis": {"draws": 300, "target": "customers"}})
    table, _ = estimated(read_cohort(made.table, spec).count())
    law = transaction()
    mean = (law.class_share[:, None, :] * law.buys * law.mean).sum(axis=2)  # (n_strata, n_levels)
    by_level = law.population.share @ mean
    rows = select(table, estimand="spend", model="means", adjusted="standardised", stratum="", scenario="")
    found = rows.set_index("group")
    for at, level in enumerate(LEVELS):
        apart = found.loc[str(level), "estimate"] - by_level[at]
        assert abs(apart) < 4 * found.loc[str(level), "std_error"]
    scored = law.population.weight @ mean
    # the two targets differ by more than the tolerance allows to be missed
    assert max(abs(scored - by_level) / found.loc[[str(v) for v in LEVELS], "std_error"].to_numpy()) > 4


def test_the_tipping_point_by_hand_and_what_it_means() -> None:
    assert tipping_point(np.array(0.7), np.array(0.4), 0.5) == pytest.approx(0.1, rel=1e-10)
    assert tipping_point(np.array(0.7), np.array(0.4), 0.0) == pytest.approx(0.4, rel=1e-10)
    best, worst, share = np.array([0.9, 0.5, 0.3]), np.array([0.4, 0.45, 0.6]), 0.3
    x = tipping_point(best, worst, share)
    assert share * best + (1 - share) * x == pytest.approx(worst, rel=1e-10)
    assert x[2] > worst[2]  # where the best stay less, those who did not answer would have to stay more


@pytest.mark.parametrize(
    ("answered", "best_lost", "expected", "plain"),
    [(0.5, 10, 0.2, None), (0.8, 10, 0.0, -1.0), (0.8, 100, 1.0, 2.0)],
)
def test_tipping_rows_are_held_between_nobody_and_everybody(
    answered: float, best_lost: int, expected: float, plain: float | None
) -> None:
    # S of the best .8, of the worst .5 (then 0 and .4): see `plain` for (S_worst − ρ S_best) / (1 − ρ)
    worst = {10: 25, 100: 30}[best_lost]
    kept = {10: (40, 10), 100: (0, 50)}[best_lost]
    if answered == 0.8 and best_lost == 10:
        worst = 28  # .44 = .8·.8 − .2
    cells = [
        (1, "x", 1, 1, worst),
        (1, "x", 1, 0, 50 - worst),
        (5, "x", 1, 0, kept[0]),
        (5, "x", 1, 1, kept[1]),
    ]
    rows = cell_rows(*[cell for cell in cells if cell[-1]])
    others = pd.DataFrame({"score": np.nan, "plan": "x", "entry": 0, "exit": 0, "cause": ""}, index=range(
        round(len(rows) * (1 - answered) / answered)
    ))  # fmt: skip
    counts = counts_of(pd.concat([rows, others], ignore_index=True), spec_for(horizon=1, draws=200))
    table, checks = estimated(counts)
    (found,) = select(table, estimand="tipping_point").to_dict("records")
    assert found["estimate"] == pytest.approx(expected, abs=1e-10)
    assert 0 <= found["conf_low"] <= expected <= found["conf_high"] <= 1
    beyond = matching(checks, code="tipping_point", model="kaplan_meier", group="best", reference="worst")
    assert beyond == matching(checks, code="tipping_point")
    assert [check.value for check in beyond] == pytest.approx([] if plain is None else [plain], rel=1e-10)


def test_without_a_contrast_there_is_no_tipping_point() -> None:
    rows = unanswered(random_rows(2, 300), 0.4)
    for some in (rows[rows["score"] != 1], random_rows(2, 300)):
        table, _ = estimated(counts_of(some, spec_for(draws=100)))
        assert len(select(table, estimand="retention"))
        assert not len(select(table, estimand="tipping_point"))


def test_other_draws_stay_as_they_are() -> None:
    rows = random_rows(2, 300)
    spec = spec_for(draws=100)
    alone, _ = estimated(counts_of(rows, spec))
    more = pd.concat([rows, rows.assign(score=np.nan)], ignore_index=True)
    both, _ = estimated(counts_of(more, spec))
    new = both["group"].eq(NOT_SCORED) | both["estimand"].eq("tipping_point")
    pd.testing.assert_frame_equal(alone, both[~new].reset_index(drop=True))
    assert new.any()
