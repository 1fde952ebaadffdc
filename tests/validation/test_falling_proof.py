"""The proof of a falling score: truths by recursion, cohorts that are drawn from the same law, rules."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cxlink.groups.changed_scores import moves, repeated
from validation.falling_proof import (
    AGAINST_ZERO,
    ANSWERING,
    ANSWERS,
    CALLED,
    COHORTS,
    SELECTIVE,
    SIZES,
    answering,
    cells,
    page,
    results,
    tallied,
    verdicts,
)
from validation.survey_laws import HORIZON, survey_laws

LAWS = survey_laws()


@pytest.mark.parametrize("name", LAWS)
def test_truths_are_what_a_large_cohort_shows(name: str) -> None:
    """Differences of shares retained, averaged over those whose score fell, within four standard errors."""
    counts = LAWS[name].drawn(60_000, np.random.default_rng(4))
    rows = repeated(counts)
    rows = rows.assign(move=moves(rows, counts.spec), stays=rows["n"] * (rows["exit"] > HORIZON))
    rows["stays"] = rows["stays"].mask((rows["exit"] == HORIZON) & (rows["cause"] == ""), rows["n"])
    rows = rows[rows["move"] <= 0]
    for beside, level in (("last", "previous"), ("present", "score")):
        strata = [level, "stratum.survey_number", "stratum.since_last_survey"]
        each = rows.groupby([*strata, "move"])[["n", "stays"]].sum().reset_index()
        table = each.pivot_table(index=strata, columns="move").dropna()
        weight = table["n"][-1] / table["n"][-1].sum()
        share = {move: table["stays"][move] / table["n"][move] for move in (-1, 0)}
        variance = sum(weight**2 * share[move] * (1 - share[move]) / table["n"][move] for move in (-1, 0))
        found = float((weight * (share[-1] - share[0])).sum())
        assert found == pytest.approx(LAWS[name].contrasts()[beside], abs=4 * float(np.sqrt(variance.sum())))


def test_where_nothing_changes_only_the_first_contrast_is_below_0() -> None:
    truths = {name: law.contrasts() for name, law in LAWS.items()}
    assert truths["stable"]["last"] < 0 < truths["stable"]["present"]
    assert truths["planted"]["present"] < -0.05
    # those of a low trait who do not answer are missing among those who stayed low
    assert 0 < truths["silent"]["present"] < truths["stable"]["present"]


@pytest.mark.parametrize("name", SELECTIVE)
def test_where_answering_again_depends_on_trait_and_score_the_second_contrast_is_below_0(name: str) -> None:
    """Scores are noise, so that the first is 0; either part of answering alone leaves the second at 0 as well."""
    law = LAWS[name]
    assert law.contrasts()["last"] == pytest.approx(0, abs=1e-12)
    assert law.contrasts()["present"] < -0.01
    for part in ({"silence": 0.0}, {"again": 0.0}):
        assert replace(law, **part).contrasts()["present"] == pytest.approx(0, abs=1e-12)


@pytest.mark.long
def test_cohorts_of_a_law_are_tallied() -> None:
    assert len({one.seed for one in cells()}) == len(cells()) == (len(LAWS) + 1) * len(SIZES)
    one = cells()[0]
    table = results([(one, tallied("stable", 1_000, 3, np.random.default_rng(2)))])
    assert set(table["estimand"]) == {"fall_given_last", "fall_given_present", AGAINST_ZERO}
    assert (table["made"] == 3).all()


@pytest.mark.long
def test_where_answering_again_differs_an_interval_below_0_is_not_called_alarming() -> None:
    one = next(cell for cell in cells() if cell.name == "eager-20000")
    table = results([(one, tallied("eager", 20_000, 6, np.random.default_rng(4)))]).set_index("estimand")
    assert table.loc[AGAINST_ZERO, "alarms"] > 0
    assert table.loc[CALLED, "alarms"] == 0
    assert table.loc[ANSWERING, "coverage"] == 0
    planted = answering("planted", 3_000, 6, np.random.default_rng(4))
    assert planted["held"].sum() == 6


def _table(**changed: object) -> pd.DataFrame:
    shared = {"process": "stable", "coverage": 0.95, "errors": 1.0, "alarms": 0.0, **changed}
    names = ("fall_given_last", "fall_given_present", AGAINST_ZERO)
    return pd.DataFrame([{**shared, "estimand": name, "customers": n} for n in SIZES for name in names])


@pytest.mark.parametrize(
    ("changed", "held"),
    [
        ({}, [True, True, True]), ({"coverage": 0.915}, [False, False, True]),
        ({"coverage": 0.985}, [False, False, True]),
        ({"errors": 0.89}, [False, False, True]), ({"errors": 1.16}, [False, False, True]),
        ({"alarms": 0.051}, [True, True, False]), ({"alarms": 0.05}, [True, True, True]),
    ],
)  # fmt: skip
def test_rules_bite(changed: dict[str, object], held: list[bool]) -> None:
    assert [verdict.held for verdict in verdicts(_table(**changed))] == held


@pytest.mark.parametrize(
    ("process", "estimand", "changed", "held"),
    [
        ("eager", AGAINST_ZERO, {"alarms": 0.051}, [False]), ("eager", CALLED, {"alarms": 0.05}, [True]),
        ("aggrieved", CALLED, {"alarms": 0.051}, [False]), ("eager", ANSWERING, {"seen": 1.0}, []),
        (ANSWERS, ANSWERING, {"seen": 0.05}, [True]), (ANSWERS, ANSWERING, {"seen": 0.051}, [False]),
        ("planted", AGAINST_ZERO, {"alarms": 1.0}, []),
    ],
)  # fmt: skip
def test_rules_of_who_answers_again_bite(
    process: str, estimand: str, changed: dict[str, object], held: list[bool]
) -> None:
    table = _table(process=process, **changed).query("estimand == @AGAINST_ZERO").assign(estimand=estimand)
    assert [verdict.held for verdict in verdicts(table)] == held


@pytest.mark.long
def test_a_planted_effect_may_be_called_alarming_and_a_short_run_says_so() -> None:
    assert len(list(verdicts(_table(process="planted", alarms=1.0)))) == 2
    one = cells()[0]
    made = page([(one, tallied("stable", 1_000, 2, np.random.default_rng(2)))])
    assert f"2 of the {COHORTS}" in "\n".join(made.lines)
