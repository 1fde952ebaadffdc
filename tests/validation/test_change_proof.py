"""Pairs of cohorts with a known change: the truth is what it says, and the split's intervals hold it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxlink.cohort.count.spells import spells_of
from validation.change_proof import added, cells, coverage, page, summary, verdicts
from validation.cohort_pairs import HORIZON, KINDS, drawn, law, replicated, spec_of
from validation.cohort_pairs import truth as truth_of_laws
from validation.judge import monte_carlo_error
from validation.planted_changes import _values, base_process, planted, truth
from validation.process import CellTables, Proof
from validation.replicate import replicate


def test_the_truth_of_each_kind_is_in_its_own_part() -> None:
    base = law("base")
    found = {kind: truth_of_laws(base, law(kind)) for kind in KINDS}
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
        [{**keys, "truth": 8.0, "made": 4, "inside": 3, "bias": 2.0, "square": 4.0, "std_error": 1.0}]
    )
    tables: CellTables = [(cells()[1], added([sums, sums]))]
    one = coverage(tables).iloc[0]
    assert one[["kind", "points", "group"]].tolist() == ["mix", 2, "1"]
    # eight errors that sum to 4 and whose squares sum to 8: variance (8 − 8·½²)/7
    expected = [2.0, 8, 0.75, 0.5, np.sqrt(6 / 7), 0.25]
    assert one[["truth", "made", "coverage", "bias", "deviation", "std_error"]].tolist() == pytest.approx(
        expected
    )


def rows_of(kind: str, group: str, made: int, coverage: float, deviation: float) -> dict[str, object]:
    return {
        "kind": kind, "points": 2, "base": 20_000, "new": 2_000, "estimand": "spend", "group": group, "part": "mix",
        "truth": 0.0, "made": made, "coverage": coverage, "bias": 0.5, "deviation": deviation, "std_error": 2.5,
    }  # fmt: skip


def test_changes_and_scores_are_pooled_and_the_null_is_not_by_hand() -> None:
    table = pd.DataFrame([
        rows_of("mix", "1", 10, 1.0, 3.0), rows_of("effect", "2", 30, 0.8, 1.0), rows_of("none", "2", 10, 0.9, 1.0),
        rows_of("mix", "all", 10, 0.7, 1.0),
    ])  # fmt: skip
    pooled = summary(table).set_index(["pairs", "group"])
    one = pooled.loc[("planted", "each score")]
    deviation = np.sqrt((10 * 9 + 30 * 1) / 40)
    assert one[["made", "coverage", "bias", "ratio"]].tolist() == pytest.approx(
        [40, 0.85, 0.5 / deviation, 2.5 / deviation]
    )
    assert pooled.loc[("null", "each score"), "coverage"] == pytest.approx(0.9)
    assert pooled.loc[("planted", "all"), "coverage"] == pytest.approx(0.7)


def test_a_planted_change_is_in_its_own_part_and_as_large_as_it_says() -> None:
    base = base_process("retention")
    for kind, group in (("mix", "all"), ("baseline", "all"), ("effect", "worst")):
        parts = truth(base, planted("retention", kind, 5))
        assert abs(parts[group, kind]) == pytest.approx(0.05, abs=1e-6)
        for other in {"mix", "baseline", "effect"} - {kind}:
            assert abs(parts["all", other]) < 0.01, (kind, other)
    nothing = truth(base, planted("retention", "none", 0))
    assert max(map(abs, nothing.values())) < 1e-12
    spend = truth(base_process("spend"), planted("spend", "baseline", 10))
    mean = 0.1 * (base_process("spend").scored.T * _values(base_process("spend"))).sum()
    assert spend["all", "baseline"] == pytest.approx(mean, rel=1e-6)


def test_every_pair_gives_every_part_and_its_truth() -> None:
    rows = pd.DataFrame(replicated("mix", 1_500, 100, 1, np.random.default_rng(1)))
    known = truth_of_laws(law("base"), law("mix"))
    assert set(rows["estimand"]) == {"retention", "spend"}
    assert not ((rows["part"] == "mix_score") & rows["group"].str.isdigit()).any()
    assert all(
        row["truth"] == known[row["estimand"], row["group"], row["part"]] for row in rows.to_dict("records")
    )


def test_each_rule_fails_where_it_should() -> None:
    keys = {"base": 20_000, "pairs": "null", "estimand": "spend", "group": "all", "part": "mix"}
    for new, inside, ratio, held in (
        (2_000, 0.95, 1.0, [True, True]), (2_000, 0.91, 1.0, [False, True]), (2_000, 0.99, 1.0, [False, True]),
        (2_000, 0.95, 0.89, [True, False]), (2_000, 0.95, 1.16, [True, False]),
        (1_500, 0.91, 3.0, [True]), (1_500, 0.89, 1.0, [False]), (1_500, 0.995, 1.0, [False]),
    ):  # fmt: skip
        table = pd.DataFrame(
            [{**keys, "new": new, "made": 200, "coverage": inside, "bias": 0.0, "ratio": ratio}]
        )
        judged = list(verdicts(table))
        assert [one.held for one in judged] == held
        assert all(("spend, all, mix" in one.found) != one.held for one in judged)
        assert list(verdicts(table.assign(made=199))) == []


def test_the_page_shows_what_was_found() -> None:
    made = [
        (one, pd.DataFrame([
            {"estimand": "spend", "group": "all", "part": "mix", "truth": 30.0, "made": 300, "inside": 240, "bias": 3.0,
             "square": 4.0, "std_error": 1.0},
        ])) for one in cells()
    ]  # fmt: skip
    lines = page(made).lines
    # twelve changes of 300 pairs; the deviation is √((4 − 300 · .01²)/299) = .115
    assert "| 20,000 / 2,000 | planted | spend | mix | 3600 | 80.0% | 0.7% | +0.09 | 0.03 |" in lines
    # coverage and errors of the null and of what is planted at three sizes, coverage at 1,500, and short follow-up
    assert sum("**not held**" in line for line in lines) == 3 * 4 + 2 + 2


@pytest.mark.slow
def test_null_pairs_cover_nothing_at_the_nominal_rate(tmp_path: Path) -> None:
    """A hundred pairs: within four Monte Carlo errors in the whole cohort."""
    table = coverage(replicate(Proof("one", "null pairs", lambda: cells()[:1], page), tmp_path, 1, most=1))
    whole = table[table["group"] == "all"]
    assert set(whole["made"]) == {100}
    assert len(whole) == 12
    assert (whole["coverage"] > 0.95 - 4 * monte_carlo_error(0.95, 100)).all(), whole
