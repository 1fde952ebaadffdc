"""Further scores as terms of formulas: the same models as of a category, worst level first, of those who gave them."""

import numpy as np
import pandas as pd
import pytest

import cxlink
from cxlink import Cohort, InputError, make_spec, read_cohort

PLAIN = {
    "score": {"column": "nps", "scale": "0-10", "worst": [0, 1, 2, 3], "best": [9, 10]},
    "subscription": {"duration": "months", "event": "left"},
    "spend": {"column": "spent", "complete": True},
    "analysis": {"horizon": 6, "draws": 200},
}


def customers() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    n = 1_500
    nps, effort = rng.integers(0, 11, n), rng.integers(1, 6, n)
    months = np.ceil(rng.exponential(8 * np.exp(0.05 * nps - 0.1 * effort))).astype(int)
    table = pd.DataFrame({
        "nps": nps, "effort": [f"{level} - so" for level in effort], "months": np.minimum(months, 8),
        "left": (months <= 8).astype(int), "spent": rng.gamma(2, 10 + nps).round(2),
    })  # fmt: skip
    return table.assign(effort=table["effort"].mask(table.index % 10 == 0))


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    others = {"ces": {"column": "effort", "scale": "1-5", "higher_is_better": False}}
    return read_cohort(customers(), make_spec({**PLAIN, "score": {**PLAIN["score"], "others": others}}))  # type: ignore[dict-item]


@pytest.fixture(scope="module")
def as_category() -> Cohort:
    """Those who gave it, with the level as a category whose names sort from the worst level to the best."""
    table = customers().dropna(subset=["effort"])
    table["level"] = 5 - table["effort"].str[0].astype(int)
    return read_cohort(table, make_spec({**PLAIN, "adjust": {"columns": ["level"]}}))


@pytest.mark.long
def test_hazards_and_spend_are_those_of_a_category(cohort: Cohort, as_category: Cohort) -> None:
    for fit in (cxlink.hazards, cxlink.spend_regression):
        own, category = fit(cohort, "score + ces").summary(), fit(as_category, "score + level").summary()
        assert own["coefficient"].to_numpy() == pytest.approx(category["coefficient"].to_numpy(), abs=1e-7)
        assert own["std_error"].to_numpy() == pytest.approx(category["std_error"].to_numpy(), rel=1e-6)
    terms = cxlink.hazards(cohort, "score + ces").summary().index
    assert [term for term in terms if "ces" in term] == ["ces[T.4]", "ces[T.3]", "ces[T.2]", "ces[T.1]"]


def test_averages_are_over_levels_of_the_further_score(cohort: Cohort) -> None:
    table = cxlink.hazards(cohort, "score + ces").average("ces", {"easy": [1, 2], "hard": [5]}, horizon=6)
    difference = table[table["measure"] == "difference"].iloc[0]
    assert difference["group"] == "easy"
    assert difference["estimate"] > 0


def test_curves_by_a_further_score_are_in_its_order(cohort: Cohort, as_category: Cohort) -> None:
    own, category = (
        cxlink.kaplan_meier(cohort, by="ces").at(6),
        cxlink.kaplan_meier(as_category, by="level").at(6),
    )
    assert own["estimate"].to_numpy() == pytest.approx(category["estimate"].to_numpy(), abs=1e-12)
    assert list(own["group"]) == ["5", "4", "3", "2", "1"]


def test_counts_alone_have_no_further_score(cohort: Cohort) -> None:
    with pytest.raises(InputError, match="these counts have no 'ces'"):
        cxlink.hazards(cohort.count(), "score + ces")


@pytest.mark.long
def test_a_posterior_takes_them_as_strata(cohort: Cohort) -> None:
    gave = customers().dropna(subset=["effort"]).assign(ces=lambda table: table["effort"].str[0])
    category = read_cohort(gave, make_spec({**PLAIN, "adjust": {"columns": ["ces"]}}))
    few = {"draws": 60, "tune": 60, "chains": 2}
    own = cxlink.posterior(cohort, strata=["ces"], **few)
    alone = cxlink.posterior(category, **few)
    for found, plain in ((own.summary(), alone.summary()), (own.average(), alone.average())):
        np.testing.assert_allclose(found.select_dtypes("number"), plain.select_dtypes("number"), rtol=1e-12)
    at = [{"score": 9, "ces": level} for level in (1, 5)]
    np.testing.assert_array_equal(own.predict(at)["estimate"], alone.predict(at)["estimate"])
    assert own.score()["log_score"] == alone.score()["log_score"]


def test_strata_that_counts_lack_or_that_are_outcomes_are_refused(cohort: Cohort) -> None:
    with pytest.raises(InputError, match="these counts have no 'ces': give the cohort"):
        cxlink.posterior(cohort.count(), strata=["ces"])
    with pytest.raises(InputError, match="left"):
        cxlink.posterior(cohort, strata=["left"])
