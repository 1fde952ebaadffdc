"""Pairs of cohorts with a known change: the truth is what it says, and the split's intervals hold it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxlink.cohort.count.spells import spells_of
from validation.change_proof import PAIRS, RULES, added, cells, coverage, page, verdicts
from validation.cohort_pairs import HORIZON, KINDS, drawn, law, replicated, spec_of, truth
from validation.process import CellTables, Proof
from validation.replicate import replicate


def test_the_truth_of_each_kind_is_in_its_own_part() -> None:
    base = law("base")
    found = {kind: truth(base, law(kind)) for kind in KINDS}
    for estimand, least in (("retention", 0.01), ("spend", 1.0)):
        for kind in ("mix", "baseline"):
            for part in ("mix", "baseline", "effect"):
                value = found[kind][estimand, "all", part]
                assert (abs(value) > least) == (part == kind), (estimand, kind, part)
        worst, best = (found["effect"][estimand, group, "effect"] for group in ("worst", "best"))
        assert worst > least  # the scores' slope is halved: the worst gain, the best lose
        assert best < -least
        assert found["effect"][estimand, "all", "mix"] == pytest.approx(0, abs=1e-12)
        assert all(abs(found["all three"][estimand, "all", part]) > least / 4 for part in ("mix", "baseline"))


def test_cohorts_follow_their_law() -> None:
    one, rng = law("base"), np.random.default_rng(1)
    spells = spells_of(drawn(one, 400_000, spec_of("retention", "base", 100, 1), rng))
    whole = spells.exit >= HORIZON
    inside = np.bincount(spells.level[spells.pair], spells.n, 5) / 400_000
    np.testing.assert_allclose(inside, one.share.sum(axis=1), atol=4 * np.sqrt(0.25 / 400_000))
    first = (spells.exit == 1) & (spells.cause > 0)
    expected = (one.share * one.hazard[..., 0]).sum()
    assert spells.n[first].sum() / 400_000 == pytest.approx(expected, abs=4 * np.sqrt(expected / 400_000))
    assert whole.any()
    spent = drawn(one, 400_000, spec_of("spend", "base", 100, 1), rng).cells
    mean = spent["spend_sum"].sum() / 400_000
    assert mean == pytest.approx((one.share * one.spend).sum(), abs=4 * 250 / np.sqrt(400_000))


def test_sums_of_pairs_become_coverage_by_hand() -> None:
    keys = {"estimand": "spend", "group": "1", "part": "mix"}
    sums = pd.DataFrame(
        [{**keys, "truth": 8.0, "made": 4, "held": 3, "bias": 2.0, "square": 4.0, "std_error": 1.0}]
    )
    tables: CellTables = [(cells()[0], added([sums, sums]))]
    one = coverage(tables).iloc[0]
    assert one[["kind", "group"]].tolist() == ["mix", "1"]
    # eight errors that sum to 4 and whose squares sum to 8: variance (8 − 8·½²)/7
    expected = [2.0, 8, 0.75, 0.5, np.sqrt(6 / 7), 0.25]
    assert one[["truth", "made", "coverage", "bias", "deviation", "std_error"]].tolist() == pytest.approx(
        expected
    )


def test_every_pair_gives_every_part_and_its_truth() -> None:
    rows = pd.DataFrame(replicated("mix", 1_500, 100, 1, np.random.default_rng(1)))
    known = truth(law("base"), law("mix"))
    assert set(rows["estimand"]) == {"retention", "spend"}
    assert not ((rows["part"] == "mix_score") & rows["group"].str.isdigit()).any()
    assert all(
        row["truth"] == known[row["estimand"], row["group"], row["part"]] for row in rows.to_dict("records")
    )


def test_each_rule_fails_where_it_should() -> None:
    error = np.sqrt(0.95 * 0.05 / PAIRS)
    table = pd.DataFrame({"kind": "mix", "group": ["all", "1"], "made": PAIRS, "coverage": [0.95, 0.95]})
    assert [v.held for v in verdicts(table)] == [True, True]
    for coverages, held in (
        ([0.95 - 3.1 * error, 0.95], [False, True]), ([0.95 + 3.1 * error, 0.95], [False, True]),
        ([0.95, 0.95 - 4.1 * error], [True, False]), ([0.95, 1.0], [True, True]),
    ):  # fmt: skip
        assert [v.held for v in verdicts(table.assign(coverage=coverages))] == held
    assert len(RULES) == 2


def test_the_page_shows_what_was_found() -> None:
    made = [
        (one, pd.DataFrame([
            {"estimand": "spend", "group": "all", "part": "mix", "truth": 30.0, "made": 300, "held": 240, "bias": 3.0,
             "square": 4.0, "std_error": 1.0},
        ])) for one in cells()
    ]  # fmt: skip
    lines = page(made).lines
    assert "| mix | spend | mix | +0.1 | +0.01 | 80.0% | 2.3% |" in lines
    assert sum("**not held**" in line for line in lines) == 2 * len(KINDS)


@pytest.mark.slow
@pytest.mark.parametrize("at", range(len(KINDS)), ids=KINDS)
def test_every_part_covers_its_truth_at_the_nominal_rate(at: int, tmp_path: Path) -> None:
    """300 pairs: within three Monte Carlo errors in the whole cohort, and four in each group."""
    found = replicate(Proof("one", "a kind of change", lambda: [cells()[at]], page), tmp_path, 1)
    table = coverage(found)
    assert set(table["made"]) == {PAIRS}
    assert all(verdict.held for verdict in verdicts(table)), table
