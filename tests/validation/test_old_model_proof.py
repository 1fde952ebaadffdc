"""Verdicts on older models: pairs of one law are drawn as they are described, counted, and judged by the rules."""

import numpy as np
import pandas as pd
import pytest

from cxlink.cohort.count.spells import spells_of
from validation import snapshot_pairs
from validation.old_model_proof import added, cells, page, shares, tallied, verdicts
from validation.process import CellTables


def test_snapshots_follow_their_law() -> None:
    n, rng = 400_000, np.random.default_rng(1)
    spells = spells_of(snapshot_pairs.snapshot(n, "base", 100, rng))
    hazard = snapshot_pairs.hazards()
    assert spells.n.sum() == n
    assert (spells.exit - spells.entry).max() == snapshot_pairs.WINDOW
    kept = spells.exit - spells.entry < snapshot_pairs.WINDOW
    assert (spells.cause[kept] > 0).all()
    # the middle score of those who pay monthly, at age 6 when the window opens
    level, stratum = spells.level[spells.pair], spells.stratum[spells.pair]
    mine = (level == 2) & (stratum == 0) & (spells.entry == 6)
    first = mine & (spells.exit == 7) & (spells.cause > 0)
    share = spells.n[first].sum() / spells.n[mine].sum()
    expected = hazard[2, 0, 6]
    assert share == pytest.approx(expected, abs=4 * np.sqrt(expected / spells.n[mine].sum()))
    # who is there when the window opens has outlasted the months before
    older = spells.n[(level == 2) & (stratum == 0) & (spells.entry == 0)].sum()
    ratio = np.prod(1 - hazard[2, 0, :6])
    assert spells.n[mine].sum() / older == pytest.approx(ratio, abs=4 * ratio / np.sqrt(spells.n[mine].sum()))


def test_pairs_are_counted_by_their_verdict() -> None:
    table = tallied(("snapshot", 0), (800, 800), 2, np.random.default_rng(1))
    assert table["pairs"].tolist() == [2]
    assert table[["valid", "recalibrate", "refit"]].sum(axis=1).tolist() == [2]
    assert added([table, table])["pairs"].tolist() == [4]


def test_false_alarms_and_power_are_judged_by_hand() -> None:
    made = {"estimand": "retention", "pairs": 200, "valid": 184, "recalibrate": 10, "refit": 6}
    of_null, of_planted = cells()[0], next(one for one in cells() if one.labels["points"] == 10)
    planted = next(one for one in cells() if one.labels["kind"] == "baseline" and one.labels["points"] == 10)
    assert of_planted.labels["kind"] == "mix"
    tables: CellTables = [(one, pd.DataFrame([made])) for one in (of_null, of_planted, planted)]
    found = shares(pd.concat([table.assign(**one.labels) for one, table in tables], ignore_index=True))
    assert found["alarm"].tolist() == pytest.approx([0.08] * 3, abs=1e-12)
    # 5 % + 2·√(.05·.95/200) = 8.08 %
    null, mix, baseline = verdicts(found)
    assert "(8.1%)" in null.rule
    assert (null.held, mix.held, baseline.held) == (True, True, False)
    worse = found.assign(alarm=0.081)
    assert [one.held for one in verdicts(worse)] == [False, False, False]
    assert [one.held for one in verdicts(found.assign(alarm=0.8))] == [False, False, True]
    text = "\n".join(page(tables).lines)
    assert "| nothing changed, retention, 20,000 and 2,000 customers: not called valid in at most" in text
    assert "| 92.0% | 5.0% | 3.0% |" in text
