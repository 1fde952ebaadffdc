"""The proof of the metrics' intervals: laws that are tables of probabilities, truths by hand, rules."""

import numpy as np
import pandas as pd
import pytest

from cxlink.study.replications import tally
from validation.answer_laws import answer_laws
from validation.metric_proof import BLOCK, COHORTS, SIZES, cells, coverage, page, tallied, verdicts

LAWS = answer_laws()


@pytest.mark.parametrize("name", LAWS)
def test_a_law_is_a_table_of_probabilities_and_its_truths_are_the_limits(name: str) -> None:
    law = LAWS[name]
    assert law.share.sum() == pytest.approx(1, abs=1e-12)
    assert (law.share >= 0).all()
    whole = np.round(law.share * 1e9).astype(np.int64)
    found = law.estimates(whole, np.random.default_rng(1))
    assert set(found) == set(law.truths)
    for metric, one in found.items():
        assert one.estimate == pytest.approx(law.truths[metric], rel=1e-5), metric


def test_truths_by_hand() -> None:
    assert LAWS["even"].truths == pytest.approx(
        {"nps": -500 / 11, "top_two": 2 / 11, "lowest": 1 / 11, "mean_score": 5}
    )
    assert LAWS["polarised"].truths["nps"] == pytest.approx(100 * (0.62 - 0.36))
    # a mean order of .5·10 + .35·25 + .15·60 EUR, whoever orders how often
    assert LAWS["baskets"].truths["transaction_size"] == pytest.approx(22.75)
    assert LAWS["heavy_baskets"].truths["transaction_size"] == pytest.approx(7 + 7.375 + 7.5)
    pairs = LAWS["noisy_pairs"].truths  # the same law for both answers: one slope, one correlation
    assert pairs["score_reliability"] == pytest.approx(pairs["score_calibration"], abs=1e-9)
    assert (
        0.4 < pairs["score_reliability"] < 0.5
    )  # a latent variance of 4 beside a noise of 4, cut to the scale


def test_cohorts_of_a_law_are_tallied() -> None:
    one = cells()[0]
    assert (one.cohorts, one.block) == (COHORTS, BLOCK)
    assert len(cells()) == len(LAWS) * len(SIZES)
    sums = tallied("even", 1_500, 40, np.random.default_rng(2))
    table = coverage([(one, sums.assign(held=38))])
    assert set(table["estimand"]) == {"nps", "top_two", "lowest", "mean_score"}
    assert table["coverage"].tolist() == [38 / COHORTS] * 4  # of all that were asked
    assert table["errors"].between(0.7, 1.4).all()


def table(**changed: object) -> pd.DataFrame:
    shared = {"coverage": 0.95, "errors": 1.0, "estimand": "nps", "process": "even"}
    return pd.DataFrame([{**shared, "customers": n, **changed} for n in SIZES])


@pytest.mark.parametrize(
    ("changed", "held"),
    [
        ({}, [True, True, True]), ({"coverage": 0.995}, [False] * 3),
        *(({name: value}, [True, False, False]) for name, value in (
            ("coverage", 0.91), ("coverage", 0.985), ("errors", 1.2), ("errors", 0.85),
        )),
    ],
)  # fmt: skip
def test_rules_fail_where_they_should_and_name_the_law(changed: dict[str, float], held: list[bool]) -> None:
    found = list(verdicts(table(**changed)))
    assert [one.held for one in found] == held
    assert all(("fails: even" in one.found) != one.held for one in found)


def test_the_page_lists_every_cell() -> None:
    row = {"estimand": "nps", "model": "metrics", "group": "all", "n": 9, "truth": 1.0, "estimate": 1.0}
    ends = {"std_error": 1.0, "conf_low": 0.0, "conf_high": 2.0}
    sums = tally([{**row, **ends}, {**row, **ends, "estimate": 1.5}])
    text = "\n".join(page([(one, sums) for one in cells()]).lines)
    assert "| nps | even | 20,000 | 1 | 0.2% | +0.25 | 2.83 |" in text
    for name, law in LAWS.items():
        assert f"- `{name}`: {law.about}." in text
