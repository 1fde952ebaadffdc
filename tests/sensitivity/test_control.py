"""The negative control: its means as spend's are made, its verdict, and what is none."""

import numpy as np
import pandas as pd
import pytest
from check_fields import check_fields
from cohorts import random_rows

from cxlink.analysis import analyse
from cxlink.checks import Check, matching
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort
from cxlink.estimands.headline import headline
from cxlink.estimands.tidy import select, tidy
from cxlink.sensitivity.negative_control import control_rows


def surveyed(n: int = 600, seed: int = 3, **columns: object) -> pd.DataFrame:
    rows = random_rows(seed, n, strata=2)
    lost = (rows["cause"] != "").astype(int)
    table = {"score": rows["score"], "months": rows["exit"], "lost": lost, "plan": rows["plan"]}
    return pd.DataFrame({**table, **columns})


def counted(table: pd.DataFrame, **more: dict[str, object]) -> Counts:
    spec = {
        "score": {"column": "score", "scale": "1-5", "best": [4, 5]}, "control": {"column": "prior"},
        "subscription": {"duration": "months", "event": "lost"}, "analysis": {"draws": 300, "horizon": 4}, **more,
    }  # fmt: skip
    return read_cohort(table, make_spec(spec)).count()


def rows_of(counts: Counts) -> tuple[pd.DataFrame, list[Check]]:
    rows, findings = control_rows(counts, np.random.default_rng(1))
    return tidy(rows), findings


def test_it_is_averaged_as_spend_is() -> None:
    amounts = np.random.default_rng(2).gamma(1.0, 80.0, 600).round(2)
    table = surveyed(prior=amounts, spent=amounts)
    both = {"adjust": {"columns": ["plan"]}, "spend": {"column": "spent", "complete": True}}
    counts = counted(table, **both)
    mine, _ = rows_of(counts)
    spend = tidy(headline(spells_of(counts), counts, np.random.default_rng(1))[0])
    for name in ("", "_difference", "_ratio"):
        keys = ["group", "reference", "adjusted"]
        left = select(mine, estimand=f"control{name}").set_index(keys)
        right = select(spend, estimand=f"spend{name}", stratum="", scenario="").set_index(keys)
        assert set(left.index) == set(right.index)
        right = right.loc[left.index]
        assert left["estimate"].to_numpy() == pytest.approx(right["estimate"].to_numpy(), rel=1e-10)
        assert left["n"].tolist() == right["n"].tolist()
        # other draws of the same law, 300 of each: the errors agree to four of their standard errors
        assert left["std_error"].to_numpy() == pytest.approx(
            right["std_error"].to_numpy(), rel=4 * np.sqrt(2 / 600)
        )
    # and by hand: means by level and plan, in the proportions of everybody scored
    share = table["plan"].value_counts(normalize=True)
    by_cell = table.groupby(["score", "plan"])["prior"].mean()
    worst = select(mine, estimand="control", group="worst", adjusted="standardised")["estimate"].iloc[0]
    assert worst == pytest.approx(sum(w * by_cell[1, plan] for plan, w in share.items()), rel=1e-10)


@pytest.mark.parametrize("effect", [100, -100])
def test_a_confounded_control_warns_until_the_confounder_is_adjusted_for(effect: float) -> None:
    rng = np.random.default_rng(8)
    table = surveyed(4000)
    table["prior"] = effect * (table["plan"] == "y") + rng.normal(0, 20, len(table))
    _, findings = rows_of(counted(table, adjust={"columns": ["plan"]}))
    verdicts = matching(findings, code="control_difference", model="means", group="best", reference="worst")
    assert [(check.facts["case"], check.passed) for check in verdicts] == [
        ("no", False), ("standardised", True),
    ]  # fmt: skip
    assert all(check.low < check.value < check.high for check in verdicts)
    assert [check.low <= 0 <= check.high for check in verdicts] == [False, True]


@pytest.mark.parametrize(
    ("prior", "why"),
    [(3.25, "constant"), (0, "constant"), (None, "unknown")],
)
def test_a_control_that_says_nothing_has_no_row_but_a_reason(prior: float | None, why: str) -> None:
    table = surveyed(prior=pd.Series([prior] * 600, dtype=float))
    rows, findings = rows_of(counted(table))
    assert rows.empty
    known, verdict = findings
    assert (known.code, known.value) == ("control_known", 0.0 if prior is None else 1.0)
    facts = {"column": "prior", "case": why}
    assert check_fields(verdict) == check_fields(
        Check("control", "means", value=600 * known.value, passed=False, facts=facts)
    )


def test_a_constant_up_to_the_last_digit_varies() -> None:
    table = surveyed(prior=1000 + 0.01 * (np.arange(600) % 7))
    assert len(rows_of(counted(table))[0])


def test_negative_means_have_a_difference_and_no_ratio() -> None:
    table = surveyed(prior=np.random.default_rng(1).normal(-50, 5, 600))
    rows, _ = rows_of(counted(table))
    assert len(select(rows, estimand="control_difference"))
    assert not len(select(rows, estimand="control_ratio"))


def test_a_level_of_zeros_has_an_interval() -> None:
    table = surveyed(600)
    table["prior"] = (np.arange(600) % 2).astype(int) * (table["score"] != 1)
    rows, _ = rows_of(counted(table))
    worst = select(rows, estimand="control", group="worst").iloc[0]
    assert worst["estimate"] == 0
    assert worst["conf_low"] == 0
    assert 0 < worst["conf_high"] < 0.2


def test_the_whole_analysis_holds_it() -> None:
    table = surveyed(300, prior=np.arange(300) % 5)
    made = analyse(counted(table))
    assert set(select(made.estimates, model="means")["estimand"]) == {
        "control",
        "control_difference",
        "control_ratio",
    }
