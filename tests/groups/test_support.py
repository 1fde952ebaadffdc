"""How far a group is followed, with customers who enter at different times: worked by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from clustered import account_rows, account_spec

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.count.spells import has_spend, spells_of
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort
from cxlink.estimands.fallback import thin
from cxlink.estimands.headline import headline
from cxlink.groups.curves import Standard
from cxlink.groups.support import last_with, reaches

# 40 at risk in periods 1 to 20, then 10, 9 and 3
AT_RISK = np.array([[40] * 20 + [10, 9, 3]])


def group(**weights: float) -> Standard:
    entry = np.array([int(name[1:]) for name in weights])
    return Standard("1", np.zeros(len(entry), int), entry, np.array([*weights.values()]), 100, 10)


@pytest.mark.parametrize(
    ("weights", "last"),
    [
        ({"e0": 1.0}, 21),
        ({"e6": 1.0}, 15),
        ({"e21": 1.0}, 0),
        ({"e40": 1.0}, 0),
        # one straggler of twenty has his tenth period 21 periods before the others have theirs
        ({"e0": 0.95, "e20": 0.05}, 21),
        ({"e0": 0.5, "e4": 0.4, "e20": 0.1}, 17),
        ({"e0": 0.5, "e4": 0.39, "e20": 0.11}, 1),
        ({"e0": 0.5, "e6": 0.5}, 15),
        # shares, whatever they sum to
        ({"e0": 9.5, "e20": 0.5}, 21),
    ],
)
def test_the_last_time_with_ten_at_risk_is_that_of_nine_tenths_of_the_entries(
    weights: dict[str, float], last: int
) -> None:
    assert last_with([group(**weights)], AT_RISK, 10).tolist() == [last]


def test_entries_count_the_customers_at_risk_of_all_strata_of_the_group() -> None:
    # 6 and 5 at risk in two strata until 4 and 3, and who is in neither does not count
    at_risk = np.array([[6, 6, 6, 6, 0], [5, 5, 5, 0, 0], [90, 90, 90, 90, 90]])
    both = Standard("1", np.array([0, 1, 1]), np.array([0, 0, 1]), np.array([0.5, 0.45, 0.05]), 11, 2)
    one = Standard("2", np.array([0]), np.array([0]), np.array([1.0]), 6, 1)
    assert last_with([both, one], at_risk, 10).tolist() == [3, 0]
    assert last_with([both, one], at_risk, 6).tolist() == [4, 4]


def test_entries_before_enough_are_at_risk_do_not_end_a_group() -> None:
    # nobody enters at 0 but two, and hardly anybody is at risk in the first periods
    at_risk = np.array([[2, 2, 50, 50, 50, 9]])
    standard = Standard("1", np.zeros(2, int), np.array([0, 2]), np.array([0.02, 0.98]), 50, 5)
    assert last_with([standard], at_risk, 10).tolist() == [3]


def test_without_groups_or_periods_nobody_is_followed() -> None:
    assert last_with([], AT_RISK, 10).tolist() == []
    assert last_with([group(e0=1.0)], np.zeros((1, 0)), 10).tolist() == [0]


def two_strata(followed: int) -> Counts:
    """Scores 1 and 5: of plan a ten customers lost in months 1 to 5, of plan b 190 of whom ten are lost in the last."""
    gone = [(score, "a", month, 2, "lost") for score in (1, 5) for month in range(1, 6)]
    late = [(score, "b", followed, n, cause) for score in (1, 5) for n, cause in ((10, "lost"), (180, ""))]
    cells = pd.DataFrame([*gone, *late], columns=["score", "stratum.plan", "exit", "n", "cause"])
    spec = make_spec({
        "score": {"column": "s", "scale": "1-5"}, "subscription": {"duration": "m", "event": "e"},
        "adjust": {"columns": ["plan"]},
    })  # fmt: skip
    return Counts(cells.assign(entry=0, wave=""), spec, Profile("rows", 400, 400))


def test_strata_that_lost_all_say_nothing_of_a_horizon_beyond_follow_up() -> None:
    spells = spells_of(two_strata(24))
    assert reaches(spells, 24)[:, 0].all()
    assert not reaches(spells, 25)[:, 0].any()


def test_where_nobody_is_censored_every_horizon_is_known() -> None:
    made = two_strata(24)
    gone = replace(made, cells=made.cells.query("cause == 'lost'").reset_index(drop=True))
    assert reaches(spells_of(gone), 60)[:, 0].all()


def test_a_pair_of_one_bucket_has_no_support_and_the_others_lead() -> None:
    """Of retention and of spend; a stratum with a twentieth of the customers does not send the headline away."""
    rows = account_rows().assign(plan=lambda t: t["plan"].where(t.index % 25 > 0, "rare"))
    best_and_rare = (rows["score"] == 5) & (rows["plan"] == "rare")
    assert best_and_rare.sum() > 1
    alone = rows[~best_and_rare | (rows["account"] == rows.loc[best_and_rare, "account"].iloc[0])]
    counts = read_cohort(alone, account_spec()).count()
    spells = spells_of(counts)
    rare = (spells.level == 4) & (spells.strata["stratum.plan"] == "rare").to_numpy()[spells.stratum]
    assert rare.sum() == 1
    assert reaches(spells, 6)[:, 0].tolist() == (~rare).tolist()
    assert has_spend(spells)[:, 0].tolist() == (~rare).tolist()
    blind = replace(spells, buckets=None)
    assert reaches(blind, 6)[:, 0].all()
    _, checks = headline(spells, counts, np.random.default_rng(1))
    assert not thin(checks, "kaplan_meier", counts.spec)
    assert not thin(checks, "means", counts.spec)
