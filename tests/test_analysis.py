"""The whole composition on ordinary and odd cohorts."""

import numpy as np
import pandas as pd
import pytest

import cxlink
from cxlink.analysis import analyse
from cxlink.checks import matching
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort
from cxlink.display import Analysis
from cxlink.estimands.csv_tables import csv_text
from cxlink.estimands.tidy import COLUMNS, KEY, select
from cxlink.report.format import percent
from cxlink.report.profile_words import table_notes
from cxlink.study.simulate import simulate

RNG = np.random.default_rng(20140801)
SUBSCRIPTION = {"duration": "months", "event": "lost"}
QUICK = {"draws": 200, "models": "quick"}  # the headline is the same, and nothing else is looked at
NUMBERS = ["estimate", "conf_low", "conf_high"]


def _analysed(frame: pd.DataFrame, **sections: dict[str, object]) -> Analysis:
    spec = {
        "score": {"column": "score", "scale": "1-10"}, "subscription": SUBSCRIPTION, "analysis": {"draws": 200},
        **sections,
    }  # fmt: skip
    return analyse(read_cohort(frame, make_spec({k: v for k, v in spec.items() if v})))


def _frame(n: int, **columns: object) -> pd.DataFrame:
    base = {
        "score": RNG.integers(1, 11, n), "months": RNG.integers(1, 25, n), "lost": RNG.integers(0, 2, n),
        "plan": RNG.choice(["a", "b"], n), "spend": RNG.gamma(1.0, 100.0, n).round(2),
    }  # fmt: skip
    return pd.DataFrame({**base, **columns})


def _kaplan_meier(analysis: Analysis) -> pd.DataFrame:
    return select(analysis.estimates, model="kaplan_meier")


@pytest.fixture(scope="module")
def simulated(families: None) -> Analysis:  # what it fits them with
    made = simulate("subscription", 8000, 3)
    return analyse(read_cohort(made.table, make_spec({**made.spec, "analysis": {"draws": 200}})))


def test_rows_and_coefficients_are_picked_from_an_analysis(simulated: Analysis) -> None:
    row = simulated.pick("retention", group="best", horizon=12)
    assert row["adjusted"].tolist() == ["standardised"]
    assert row["headline"].tolist() == [True]
    ratios = simulated.hazard_ratios().set_index(["adjusted", "term", "level"])
    theirs = simulated.coefficients().query("model == 'grouped_ph'").set_index(["adjusted", "term", "level"])
    np.testing.assert_allclose(ratios["hazard_ratio"], np.exp(theirs["estimate"]))
    assert {("conditional", "need"), ("conditional", "tenure_at_survey")} < set(
        ratios.index.droplevel("level")
    )
    assert set(simulated.spend_models()["model"]) == {"poisson", "gamma", "two_part", "log_ols"}


def test_the_table_keeps_its_contract(simulated: Analysis) -> None:
    table = simulated.estimates
    assert tuple(table.columns) == COLUMNS
    assert not table.duplicated(list(KEY)).any()
    assert set(table["adjusted"]) == {"no", "standardised", "conditional"}
    assert set(table.loc[table["adjusted"] == "conditional", "estimand"]) == {"hazard_ratio"}
    finite = table["conf_low"].notna() & table["conf_high"].notna()  # an E-value has one limit
    assert (table.loc[finite, "conf_low"] <= table.loc[finite, "conf_high"]).all()
    probability = table[table["estimand"].isin(["retention", "cumulative_incidence"])]
    assert probability["estimate"].between(0, 1).all()
    assert table["extrapolated"].dropna().between(0, 1).all()


def test_the_headline_is_standardised_and_one_of_each(simulated: Analysis) -> None:
    head = simulated.headline()
    assert set(head["adjusted"]) == {"standardised"}
    assert sorted(head["estimand"]) == sorted(
        [
            f"{what}{kind}"
            for what in ("retention", "spend", "tenure")
            for kind in ("", "", "_difference", "_ratio")
        ]
    )


def test_the_naive_clock_flatters_and_lags_stand_beside(simulated: Analysis) -> None:
    at_year = select(
        simulated.estimates, estimand="retention", model="kaplan_meier", adjusted="no", horizon=12, stratum=""
    )
    values = at_year.set_index(["scenario", "group"])["estimate"]
    for group in ("worst", "best", "all"):
        assert values["from_signup", group] > values["", group] + 0.05
        curve = select(
            simulated.estimates,
            estimand="retention",
            model="kaplan_meier",
            adjusted="no",
            stratum="",
            scenario="",
            group=group,
        ).set_index("horizon")["estimate"]
        for lag in (1, 3):
            assert values[f"lag={lag}", group] == pytest.approx(curve[12] / curve[lag], abs=1e-12)


def test_ratio_and_difference_follow_from_their_sides(simulated: Analysis) -> None:
    head = simulated.headline().set_index(["estimand", "group"])["estimate"]
    for what in ("retention", "tenure", "spend"):
        assert head[f"{what}_difference", "best"] == pytest.approx(
            head[what, "best"] - head[what, "worst"], abs=1e-10
        )
        assert head[f"{what}_ratio", "best"] == pytest.approx(
            head[what, "best"] / head[what, "worst"], abs=1e-10
        )


@pytest.mark.long
@pytest.mark.usefixtures("few_families")
def test_counts_give_what_the_cohort_gives(simulated: Analysis) -> None:
    again = analyse(simulated.counts)
    scored = int(simulated.counts.scored["n"].sum())
    assert f"{scored:,} customers" in repr(again)
    assert "<table>" in again._repr_html_()
    mine = simulated.estimates[simulated.estimates["scenario"] != "from_signup"]
    theirs = again.estimates[again.estimates["scenario"] != "from_signup"]
    headline = {"model": ("kaplan_meier", "means")}
    pd.testing.assert_frame_equal(
        select(mine, **headline).reset_index(drop=True), select(theirs, **headline).reset_index(drop=True)
    )


def test_rows_in_another_order_give_the_same_bytes() -> None:
    frame = _frame(500)
    other = frame.sample(frac=1, random_state=1)
    asked = {"adjust": {"columns": ["plan"]}, "spend": {"column": "spend", "complete": True}}
    spec = make_spec({"score": {"column": "score", "scale": "1-10"}, "subscription": SUBSCRIPTION, **asked})
    counts, again = (read_cohort(rows, spec).count() for rows in (frame, other))
    # what an analysis is a function of: the cells in their order, to the last bit
    pd.testing.assert_frame_equal(counts.cells, again.cells, check_exact=True)
    assert counts.profile.fingerprint == again.profile.fingerprint
    first, second = (_analysed(rows, subscription=None, **asked) for rows in (frame, other))
    assert csv_text(first.estimates) == csv_text(second.estimates)


@pytest.mark.long
@pytest.mark.parametrize(
    ("what", "columns"),
    [
        ("nobody lost", {"lost": 0}),
        ("everybody lost at once", {"lost": 1, "months": 1}),
        ("everybody lost", {"lost": 1}),
        ("one level", {"score": 9}),
        (
            "two levels that separate",
            {"score": np.tile([1, 10], 30), "lost": np.tile([1, 0], 30), "months": np.tile([2, 24], 30)},
        ),
        ("one period", {"months": 1}),
        ("no score at all", {"score": pd.array([pd.NA] * 60, dtype="Int64")}),
    ],
)
@pytest.mark.usefixtures("families")
def test_odd_cohorts_get_a_finite_answer(what: str, columns: dict[str, object]) -> None:
    analysis = _analysed(_frame(60, **columns))
    rows = select(
        _kaplan_meier(analysis), scenario="", estimand=("retention", "tenure", "cumulative_incidence")
    )
    assert np.isfinite(rows[NUMBERS].to_numpy()).all()
    assert (rows["conf_low"] <= rows["estimate"] + 1e-12).all()
    assert (rows["conf_high"] >= rows["estimate"] - 1e-12).all()
    if what == "nobody lost":
        sixty = select(rows, group="all", estimand="retention", horizon=12)
        assert sixty["estimate"].item() == 1
        assert 0.85 < sixty["conf_low"].item() < 0.99
    if what == "no score at all":
        assert not len(analysis.estimates)


def test_one_customer_gets_a_finite_answer() -> None:
    frame = pd.DataFrame({"score": [9], "months": [14], "lost": [0], "spend": [120.0]})
    analysis = _analysed(frame, spend={"column": "spend", "complete": True})
    row = select(_kaplan_meier(analysis), estimand="retention", group="best", horizon=12, scenario="")
    assert row["estimate"].item() == 1
    assert row["conf_high"].item() - row["conf_low"].item() > 0.3
    spent = select(analysis.estimates, estimand="spend", group="best").set_index("model")
    # regressions of one customer's spend would say what they assume
    assert spent["estimate"].to_dict() == pytest.approx({"means": 120.0}, rel=1e-9)
    assert (spent["conf_high"] > 150).all()


def test_a_level_that_spent_nothing_has_an_interval() -> None:
    frame = _frame(400)
    frame.loc[frame["score"] == 1, "spend"] = 0.0
    analysis = _analysed(frame, subscription={}, spend={"column": "spend", "complete": True})
    row = select(analysis.estimates, estimand="spend", group="1").set_index("model")
    assert row.loc["means", "estimate"] == 0
    assert row["conf_high"].between(0, 30, inclusive="neither").all()


def test_a_scale_on_which_higher_is_worse() -> None:
    frame = pd.DataFrame(
        {
            "score": np.repeat([1, 5], 200),
            "months": 12,
            "lost": np.r_[np.zeros(150), np.ones(50), np.ones(200)],
        }
    )
    score = {"column": "score", "scale": "1-5", "higher_is_better": False, "best": [1]}
    analysis = _analysed(frame, score=score, analysis=QUICK)
    at_year = select(_kaplan_meier(analysis), estimand="retention", horizon=12, scenario="").set_index(
        "group"
    )["estimate"]
    assert at_year["worst"] == 0
    assert at_year["best"] == pytest.approx(0.75, abs=1e-12)


def test_a_spend_only_cohort_has_spend_rows_only() -> None:
    analysis = _analysed(_frame(300), subscription={}, spend={"column": "spend", "complete": True})
    assert set(analysis.estimates["estimand"]) == {
        "spend", "spend_difference", "spend_ratio", "e_value", "robustness_value",
    }  # fmt: skip


def test_a_risk_set_that_runs_empty_early_under_late_entry_ends_the_curve() -> None:
    frame = pd.DataFrame(
        {"score": [9] * 4 + [2] * 40, "entry": [0, 0, 6, 6] + [0] * 40, "months": [2, 3, 9, 12] + [12] * 40,
         "lost": [1, 0, 1, 0] + [0, 1] * 20}
    )  # fmt: skip
    analysis = _analysed(
        frame,
        subscription={**SUBSCRIPTION, "entry": "entry"},
        score={"column": "score", "scale": "1-10", "worst": [2]},
        analysis={**QUICK, "horizon": 12},
    )
    mine = select(_kaplan_meier(analysis), scenario="since_signup", group="9", estimand="retention")
    assert mine["horizon"].max() == 3
    assert mine["estimate"].tolist() == pytest.approx([1.0, 0.5, 0.5], abs=1e-12)


@pytest.mark.long
def test_small_groups_are_blank_everywhere() -> None:
    frame = pd.concat([_frame(400, score=9), _frame(4, score=1), _frame(300, score=5)], ignore_index=True)
    score = {"column": "score", "scale": "1-10", "worst": [1]}
    analysis = _analysed(frame, score=score, publish={"smallest_cell": 10}, adjust={"columns": ["plan"]})
    about = (analysis.estimates["group"].isin(["1", "worst"])) | (analysis.estimates["reference"] == "worst")
    assert about.any()
    assert analysis.estimates.loc[about, [*NUMBERS, "std_error"]].isna().all().all()
    kept = select(analysis.estimates, group="9", reference="", stratum="", model="kaplan_meier")
    assert kept["estimate"].notna().all()
    assert not (analysis.results.at_risk["at_risk"].fillna(10) < 10).any()


def test_the_other_reading_of_a_duration_is_noted_where_it_matters() -> None:
    n = 4000
    months = np.minimum(RNG.geometric(0.08, n), 24)
    frame = pd.DataFrame(
        {"score": RNG.choice([1, 9], n), "months": months, "lost": (months < 24).astype(int)}
    )
    found = _analysed(frame, analysis=QUICK)
    own = {
        check.group: check for check in matching(found.results.checks, code="counts_reading", passed=False)
    }
    assert set(own) == {"worst", "best"}
    note = table_notes(found.results)[-1]
    convention = '(counts = "completed")'
    assert note.startswith(f"Under the other duration convention {convention} retention after 12 months")
    worst = own["worst"].facts["estimate"]
    assert f"{percent(worst + own['worst'].value, 1)} instead of {percent(worst, 1)} (score 1)" in note


def test_notebooks_get_figures_and_a_folder(simulated: Analysis, tmp_path: object) -> None:
    for figure in ("retention_curves", "retention_by_score", "spend_by_score", "tenure_ladder"):
        assert getattr(simulated, figure)().get_figure() is not None
    assert cxlink.analyse is analyse


def test_a_figure_of_what_was_not_estimated_is_refused_and_not_drawn_empty(simulated: Analysis) -> None:
    for figure in ("value_by_score", "posterior_retention"):
        with pytest.raises(InputError, match=f"^{figure}: nothing to draw"):
            getattr(simulated, figure)()
