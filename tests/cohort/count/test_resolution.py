"""Default bands come from the scores alone, the default horizon from follow-up alone; what the spec names stays."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxlink import add, make_spec, read_cohort
from cxlink.checks import matching
from cxlink.cohort.count.counts import Counts, load_counts, save_counts
from cxlink.cohort.count.resolution import (
    as_written,
    observable,
    resolution_checks,
    resolve,
    with_resolution_of,
)
from cxlink.cohort.spec.cohort_spec import CohortSpec

DURATIONS = {"duration": "months", "event": "left"}
Cells = dict[int, int]


def spec_of(scale: str, *, contrasts: tuple[str, ...] = ("best:worst",), **score: Any) -> CohortSpec:
    section = {"column": "score", "scale": scale, **score}
    return make_spec({
        "score": section, "subscription": DURATIONS, "analysis": {"contrasts": list(contrasts)}
    })  # fmt: skip


def scored(sizes: Cells, spec: CohortSpec, months: int = 24) -> Counts:
    """Everybody followed for so many months, nobody lost."""
    rows = pd.DataFrame({"score": np.repeat(list(sizes), list(sizes.values())), "months": months, "left": 0})
    return read_cohort(rows, spec).count()


@pytest.mark.parametrize(
    ("scale", "higher", "worst", "best"),
    [
        ("0-10", True, (0, 1, 2, 3, 4, 5, 6), (9, 10)),
        ("1-10", True, (1,), (9, 10)),
        ("1-5", True, (1,), (5,)),
        ("1-7", False, (7,), (1,)),
        ("0-10", False, (4, 5, 6, 7, 8, 9, 10), (0, 1)),
    ],
)
def test_default_bands(scale: str, higher: bool, worst: tuple[int, ...], best: tuple[int, ...]) -> None:
    low, high = map(int, scale.split("-"))
    sizes = dict.fromkeys(range(low, high + 1), 40)
    spec = scored(sizes, spec_of(scale, higher_is_better=higher)).spec
    assert (spec.worst, spec.best) == (worst, best)


@pytest.mark.parametrize(
    ("sizes", "worst"),
    [
        ({1: 100, 5: 900, 9: 1000}, (1,)),  # 5 % exactly
        ({1: 99, 2: 0, 3: 1, 5: 900, 9: 1000}, (1, 2, 3)),  # a customer short of 5 %
        ({1: 30, 5: 270, 9: 300}, (1,)),  # 30 exactly
        ({1: 29, 2: 1, 5: 270, 9: 300}, (1, 2)),
        ({5: 6, 6: 19, 7: 137, 8: 383, 9: 761, 10: 694}, (1, 2, 3, 4, 5)),  # not past the middle
    ],
)
def test_a_default_band_is_widened_inwards_until_it_has_both(sizes: Cells, worst: tuple[int, ...]) -> None:
    counts = scored(sizes, spec_of("1-10"))
    assert counts.spec.worst == worst
    (check,) = (
        matching(resolution_checks(counts), code="band_widened", group="worst") if len(worst) > 1 else [None]
    )
    if check is not None:
        assert check.value == sum(sizes.get(level, 0) for level in worst)
        assert (check.facts["narrow"], check.facts["levels"]) == ("1", f"1-{worst[-1]}")


def test_bands_do_not_overlap_and_the_worst_takes_the_middle() -> None:
    spec = scored({2: 1, 3: 1, 4: 1}, spec_of("1-5")).spec
    assert (spec.worst, spec.best) == ((1, 2, 3), (4, 5))


def test_a_band_that_the_spec_names_never_moves() -> None:
    counts = scored({1: 1, 2: 500, 9: 500}, spec_of("1-10", worst=[1]))
    assert counts.spec.worst == (1,)
    assert set(counts.resolved) == {"best", "horizon"}


def test_widening_ends_before_a_level_that_a_contrast_sets_against_the_band() -> None:
    counts = scored({1: 1, 2: 1, 3: 50, 9: 500}, spec_of("1-10", contrasts=("best:worst", "3:worst")))
    assert counts.spec.worst == (1, 2)


def test_nothing_is_resolved_where_nobody_has_a_score() -> None:
    rows = pd.DataFrame({"score": [None, None], "months": 3, "left": 0})
    assert read_cohort(rows, spec_of("1-10")).count().resolved == ()


def follow_up(months: dict[int, int], *, lost: dict[int, int] | None = None, score: int) -> pd.DataFrame:
    """Rows of one score: customers censored after so many months, and lost in so many."""
    frames = [
        pd.DataFrame({"score": score, "months": np.repeat(list(n), list(n.values())), "left": left})
        for left, n in ((0, months), (1, lost or {}))
        if n
    ]
    return pd.concat(frames)


@pytest.mark.parametrize(
    ("worst", "horizon"),
    [
        ({24: 50}, 12),
        ({24: 49, 7: 30}, 7),  # 49 are followed past 7
        ({24: 50, 7: 30}, 12),
        ({3: 40, 9: 20, 24: 20}, 3),
        ({5: 20, 9: 20}, 9),  # under 50 customers: half of them
        ({5: 21, 9: 19}, 5),
    ],
)
def test_the_default_horizon_is_one_that_fifty_of_each_band_could_be_followed_to(
    worst: dict[int, int], horizon: int
) -> None:
    rows = pd.concat([follow_up(worst, score=1), follow_up({24: 400}, score=10)])
    counts = read_cohort(rows, spec_of("1-10", worst=[1])).count()
    assert counts.spec.horizon == horizon
    said = matching(resolution_checks(counts), code="horizon_shortened")
    assert [check.value for check in said] == ([float(horizon)] if horizon < 12 else [])


def test_losses_do_not_shorten_the_horizon() -> None:
    """90 of 100 lost in the first month, before anybody's follow-up ended: all 100 could have been observed."""
    rows = pd.concat([follow_up({24: 10}, lost={1: 90}, score=1), follow_up({24: 400}, score=10)])
    assert read_cohort(rows, spec_of("1-10")).count().spec.horizon == 12


def test_potential_follow_up_by_hand() -> None:
    """100 customers; 20 lost in month 1; of the 80 left 40 are censored after 1: half could be observed for 2."""
    cells = pd.DataFrame(
        {"entry": 0, "exit": [1, 1, 2, 3], "cause": ["lost", "", "lost", ""], "n": [20, 40, 30, 10]}
    )
    assert observable(cells, 4) == pytest.approx([100, 100, 50, 50, 0])


def test_potential_follow_up_counts_from_a_late_entry() -> None:
    cells = pd.DataFrame({"entry": [20, 30], "exit": [23, 35], "cause": "", "n": [60, 40]})
    assert observable(cells, 6) == pytest.approx([100, 100, 100, 100, 40, 40, 0])


def test_a_horizon_that_the_spec_names_stays() -> None:
    tables = {
        "score": {"column": "score", "scale": "1-10"}, "subscription": DURATIONS, "analysis": {"horizon": 18},
    }  # fmt: skip
    counts = scored({1: 60, 9: 60}, make_spec(tables), months=6)
    assert counts.spec.horizon == 18
    assert "horizon" not in counts.resolved


def test_a_snapshot_keeps_one_year() -> None:
    rows = pd.concat([follow_up({24: 100}, score=1), follow_up({24: 100}, score=10)])
    sub = {**DURATIONS, "window": 3, "clock": "signup"}
    spec = make_spec({"score": {"column": "score", "scale": "1-10"}, "subscription": sub})
    assert read_cohort(rows, spec).count().spec.horizon == 12


def test_outcomes_move_neither_bands_nor_horizon_where_follow_up_is_one() -> None:
    sizes = {1: 20, 2: 30, 9: 400}
    plain = scored(sizes, spec_of("1-10"), months=8)
    rows = pd.DataFrame({"score": np.repeat(list(sizes), list(sizes.values())), "months": 8, "left": 0})
    rows.loc[rows["score"] < 3, ["months", "left"]] = [2, 1]
    lost = read_cohort(rows, spec_of("1-10")).count()
    assert (plain.spec.worst, plain.spec.horizon) == (lost.spec.worst, lost.spec.horizon) == ((1, 2), 8)


def test_resolving_twice_changes_nothing_and_the_spec_as_written_comes_back(tmp_path: Any) -> None:
    written = spec_of("1-10")
    counts = scored({1: 1, 2: 1, 5: 50, 9: 500}, written, months=6)
    again = resolve(counts)
    assert (again.spec, again.resolved) == (counts.spec, counts.resolved)
    assert as_written(counts) == written
    save_counts(counts, tmp_path / "counts.parquet")
    back = load_counts(tmp_path / "counts.parquet")
    assert (back.spec, back.resolved) == (counts.spec, counts.resolved)


def test_the_first_cohort_s_bands_and_horizon_are_kept() -> None:
    first = scored({1: 10, 2: 40, 9: 450}, spec_of("1-10"), months=7)
    second = scored({1: 90, 9: 450}, spec_of("1-10"))
    kept = with_resolution_of(first, second)
    assert (kept.spec.worst, kept.spec.horizon) == ((1, 2), 7)
    assert (second.spec.worst, second.spec.horizon) == ((1,), 12)
    assert add(first, second).spec == first.spec
    named = with_resolution_of(first, scored({1: 90, 9: 450}, spec_of("1-10", worst=[1])))
    assert named.spec.worst == (1,)


def test_counts_of_an_older_format_keep_the_bands_they_had(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_of("1-5")
    older = dataclasses.replace(scored({1: 1, 3: 50, 4: 50, 5: 9}, spec, months=3), spec=spec, resolved=())
    monkeypatch.setattr("cxlink.cohort.count.counts.FORMAT", 2)
    save_counts(older, tmp_path / "counts.parquet")
    back = resolve(load_counts(tmp_path / "counts.parquet"))
    assert (back.spec.worst, back.spec.best, back.spec.horizon) == ((1,), (4, 5), 12)
