"""The variance of a cell over buckets, where nobody is censored and where customers enter late."""

from dataclasses import replace

import numpy as np
import pytest

from cxlink.cohort.count.counts import Counts, add_up
from cxlink.cohort.count.spells import spells_of
from cxlink.comparison.cell_curves import cells_of
from cxlink.comparison.changes import CHANGES, outcomes, table_of
from cxlink.comparison.clustered.bucket_noise import by_bucket, variance_over_buckets
from cxlink.comparison.common_support import frame_of, positions
from validation.account_law import HORIZON, account_laws, drawn_counts


def drawn(seed: int) -> Counts:
    return drawn_counts(account_laws()["inside"], 600, np.random.default_rng(seed))


def test_without_censoring_it_is_that_of_a_mean_over_buckets() -> None:
    spells = spells_of(drawn(3))
    frame = frame_of(spells, spells, HORIZON)
    cells = cells_of(spells, frame)
    level, stratum = positions(spells, frame.levels, frame.strata)
    cell = level * len(frame.strata) + stratum
    n, variance = variance_over_buckets(spells, cells.count, frame, cell)
    assert n.sum() == spells.n.sum()
    customers, kept = by_bucket(spells), (spells.cause == 0)[:, None]
    for which in np.unique(cell)[::17]:
        mine = cell == which
        sizes, stayed = customers[mine].sum(axis=0), (customers * kept)[mine].sum(axis=0)
        share = stayed.sum() / sizes.sum()
        if not 0 < share < 1:
            continue
        h = sizes / sizes.sum()
        spread = 1 / np.maximum(1 - 2 * h + (h**2).sum(), 1 / 4)
        moved = (stayed - share * sizes) / (sizes.sum() * share)
        expected = float((spread * moved**2).sum())
        assert variance.ravel()[which] == pytest.approx(expected, rel=1e-9)


def test_customers_who_enter_late_are_compared_over_buckets() -> None:
    made = []
    for seed in (3, 4):
        counts = drawn(seed)
        sub = counts.spec.subscription
        assert sub is not None
        spec = counts.spec.model_copy(
            update={"subscription": sub.model_copy(update={"clock": "signup", "entry": "entry"})}
        )
        entry = counts.cells["bucket"] % 3
        cells = counts.cells.assign(entry=entry, exit=counts.cells["exit"] + entry)
        made.append(replace(counts, cells=add_up(cells), spec=spec))
    (retention, _) = outcomes(made[0], made[1], 6)
    changes = table_of(retention.changes, CHANGES)
    assert retention.clustered == (True, True)
    own = changes[changes["group"] == "all"].set_index("part")
    assert own["conf_low"].notna().all()
    # some 600 customers of .6 to .8, alike within buckets: √(2·.2·1.5/600) = .03
    assert 0.015 < own.loc["total", "std_error"] < 0.06


def test_a_level_without_a_complete_window_has_weights_all_the_same() -> None:
    spells = spells_of(drawn(3))
    buckets = spells.buckets
    assert buckets is not None
    number = buckets.number.tolil()
    number[spells.pair == 0] = 0
    without = replace(buckets, number=number.tocsr()).of_windows(np.ones(len(spells.n), dtype=bool))
    assert (without.spread[without.pair == 0] <= 2).all()
    assert np.isfinite(without.spread).all()
