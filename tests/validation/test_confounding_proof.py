"""The proof of benchmarked bounds: strengths of what is hidden, truths, and a rule that can fail."""

import numpy as np
import pandas as pd
import pytest

from validation.sensitivity.confounding_proof import BOUND, LEAST, replicated, verdicts
from validation.sensitivity.confounding_proof import cells as confounding_cells
from validation.sensitivity.hidden_law import drawn_counts, hidden_laws, strengths, truths

LAWS = hidden_laws()


@pytest.mark.parametrize("name", LAWS)
def test_what_is_hidden_is_no_stronger_than_need_where_that_is_judged(name: str) -> None:
    law = LAWS[name]
    found = strengths(law)
    weaker = all(hidden <= need for need, hidden in zip(found["need"], found["hidden"], strict=True))
    assert weaker == law.judged
    assert law.share.sum() == pytest.approx(1, rel=1e-10)


def test_the_truth_is_that_of_customers_alike_in_both_variables() -> None:
    law = LAWS["half"]
    rng = np.random.default_rng(3)
    counts = drawn_counts(law, 4_000_000, rng)
    known = truths(law, counts)
    curve = np.einsum("nh,lnht->lt", np.outer([0.3, 0.4, 0.3], [0.5, 0.5]), law.survival)
    share = law.share.sum(axis=(1, 2))
    best = (curve[3, 12] * share[3] + curve[4, 12] * share[4]) / (share[3] + share[4])
    assert known["retention_difference"] == pytest.approx(best - curve[0, 12], abs=0.002)


def test_the_rule_is_of_the_bounds_alone_and_fails_below_its_limit() -> None:
    keys = {"estimand": "retention_difference", "customers": 1_500}
    rows = [
        {**keys, "process": "half", "scenario": BOUND, "coverage": LEAST},
        {**keys, "process": "half", "scenario": "", "coverage": 0.1},
        {**keys, "process": "stronger", "scenario": BOUND, "coverage": 0.1},
    ]
    (held,) = verdicts(pd.DataFrame(rows))
    assert held.held
    rows.append({**keys, "process": "aligned", "scenario": BOUND, "coverage": LEAST - 0.001})
    (failed,) = verdicts(pd.DataFrame(rows))
    assert not failed.held
    assert "aligned" in failed.found


def test_a_bound_contains_the_headline_interval() -> None:
    rows = list(replicated("half", 1_500, np.random.default_rng(1)))
    assert [row.get("scenario", "") for row in rows] == ["", BOUND, "", BOUND]
    for main, bound in zip(rows[::2], rows[1::2], strict=True):
        assert bound["conf_low"] < main["conf_low"]  # type: ignore[operator]
        assert bound["conf_high"] > main["conf_high"]  # type: ignore[operator]
    assert len(confounding_cells()) == 3 * len(LAWS)
