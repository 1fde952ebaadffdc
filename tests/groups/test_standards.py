"""Who is averaged over: groups, contrasts, entries, and standardisation with its support, against plain loops."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from cohorts import cell_rows, random_rows, spec_for, spells_from

from cxlink.cohort.count.spells import Spells, person_periods
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.groups.group import contrasts_of, groups_of
from cxlink.groups.requests import Request, by_category, by_level, from_first_at_risk, pooled
from cxlink.groups.standardisation import standardised
from cxlink.groups.support import FOREVER, estimable_to, estimable_until, last_at_risk, last_with, reaches
from cxlink.survival.kaplan_meier import point_curves

LEVELS = {"worst": [1], "best": [4, 5], "1-2": [1, 2]}


def request_of(rows: pd.DataFrame, spec: CohortSpec) -> tuple[Spells, Request]:
    spells = spells_from(rows, spec)
    request = standardised(spells, spec, reaches(spells, spec.horizon))
    assert request is not None
    return spells, replace(request, times=np.arange(spec.horizon + 4))


# --- groups ---------------------------------------------------------------------------------------------------------


def test_groups_are_those_with_customers() -> None:
    rows, spec = cell_rows((2, "x", 6, 0, 3), (4, "x", 6, 0, 5)), spec_for(contrasts=("best:worst", "4:1-2"))
    groups = groups_of(spells_from(rows, spec), spec)
    assert {name: group.at.tolist() for name, group in groups.items()} == {
        "2": [0], "4": [1], "best": [1], "1-2": [0], "all": [0, 1],
    }  # fmt: skip
    assert contrasts_of(groups, spec) == [("4", "1-2")]  # worst has nobody


def test_contrasts_are_those_asked_for_and_every_level_against_worst() -> None:
    spec = spec_for(contrasts=("best:worst", "5:1-2"))
    groups = groups_of(spells_from(random_rows(1, 400), spec), spec)
    assert contrasts_of(groups, spec) == [
        ("best", "worst"), ("5", "1-2"), ("2", "worst"), ("3", "worst"), ("4", "worst"), ("5", "worst"),
    ]  # fmt: skip


def test_a_scale_where_less_is_better() -> None:
    tables = spec_for().model_dump(exclude_none=True)
    tables["score"] |= {"higher_is_better": False, "worst": None, "best": None}
    spec = CohortSpec.model_validate(tables)
    groups = groups_of(spells_from(random_rows(1, 400), spec), spec)
    assert groups["worst"].at.tolist() == [0]
    assert list(groups)[:5] == ["5", "4", "3", "2", "1"]


# --- how far curves are known ----------------------------------------------------------------------------------------


def test_known_to_by_hand() -> None:
    at_risk = np.array([[3, 2, 0, 4, 1], [2, 1, 1, 0, 0], [5, 5, 5, 5, 5]])
    lost = np.array([[1, 0, 0, 1, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 1]])
    expected = [[2, 2, 2, 5, 5, 5], [FOREVER] * 3 + [3, 4, 5], [5] * 6]
    assert estimable_to(at_risk, lost).tolist() == expected


def test_last_periods_by_hand() -> None:
    rows, spec = random_rows(1, 100), spec_for()
    request = pooled(spells_from(rows, spec), spec)
    assert request is not None
    one = request.standards[0]
    standard = replace(
        one, curve=np.array([0, 1, 1]), entry=np.array([0, 0, 2]), weight=np.array([0.5, 0.2, 0.3])
    )
    at_risk = np.array([[12, 9, 4, 0, 0, 0], [0, 3, 7, 6, 2, 0]])
    assert last_at_risk([standard], at_risk).tolist() == [5]
    late = replace(standard, curve=np.array([1]), entry=np.array([2]), weight=np.ones(1))
    assert last_at_risk([late], at_risk).tolist() == [3]
    # together 12, 12, 11, 6, 2: ten to the third period, which is one after the later entry
    assert last_with([standard], at_risk, 10).tolist() == [1]
    assert last_with([standard], at_risk, 12).tolist() == [0]
    assert last_with([standard], at_risk, 99).tolist() == [0]
    reach = estimable_to(at_risk, np.zeros_like(at_risk))
    assert estimable_until([standard], reach).tolist() == [0]  # nobody of curve 1 is at risk in period 1


def test_reaches_needs_somebody_at_risk_in_every_period_or_nobody_left() -> None:
    rows = pd.concat([
        cell_rows((1, "x", 5, 0, 9), (1, "y", 6, 0, 1), (1, "z", 2, 1, 4)),
        pd.DataFrame({"score": 1, "plan": "w", "entry": [0, 3], "exit": [2, 9], "cause": ""}),
    ])  # fmt: skip
    spec = spec_for(adjust=("plan",), late=True)
    spells = spells_from(rows, spec)
    names = spells.strata["stratum.plan"][spells.stratum].tolist()
    found = dict(zip(names, reaches(spells, 6).tolist(), strict=True))
    assert found["x"][0] is False
    assert found["y"][0] is True
    assert found["z"][0] is True
    assert found["w"][:4] == [False, False, False, True]


# --- unadjusted ------------------------------------------------------------------------------------------------------


def test_entries_that_cannot_be_followed_are_left_out_where_others_can() -> None:
    rows = pd.DataFrame({"score": 1, "entry": [0] * 6 + [5] * 2, "exit": [6] * 6 + [8] * 2, "cause": ""})
    spec = spec_for(horizon=6, late=True)
    request = pooled(spells_from(rows, spec), spec)
    assert request is not None
    assert request.standards[0].entry.tolist() == [0]
    assert request.standards[0].weight.tolist() == [1]
    assert request.standards[0].n == 8
    assert request.covered == pytest.approx(dict.fromkeys((("1", ""), ("worst", ""), ("all", "")), 0.75))
    nobody = pooled(spells_from(rows, spec_for(horizon=9, late=True)), spec_for(horizon=9, late=True))
    assert nobody is not None
    assert nobody.standards[0].entry.tolist() == [0, 5]
    assert nobody.covered == {}


def test_by_category_asks_for_the_headline_within_each_category() -> None:
    rows = random_rows(3, 300, strata=2)
    spec = spec_for(adjust=("plan",), contrasts=("5:1-2", "best:worst"))
    requests = by_category(spells_from(rows, spec), spec)
    assert [request.labels["stratum"] for request in requests] == ["plan=x", "plan=y"]
    for request, plan in zip(requests, "xy", strict=True):
        assert {s.group: s.n for s in request.standards}["all"] == (rows["plan"] == plan).sum()
        names = [(request.standards[a].group, request.standards[b].group) for a, b in request.contrasts]
        assert names == [("5", "1-2")]


def test_a_category_without_a_band_has_no_contrast() -> None:
    rows = cell_rows((1, "x", 6, 0, 3), (5, "x", 6, 0, 3), (5, "y", 6, 0, 3))
    spec = spec_for(adjust=("plan",))
    requests = by_category(spells_from(rows, spec), spec)
    assert [len(request.contrasts) for request in requests] == [1, 0]
    nobody = pooled(spells_from(rows, spec), spec, "plan=q", np.array([False, False]))
    assert nobody is None


def test_by_level_weighs_levels_by_their_customers() -> None:
    rows, spec = random_rows(3, 300), spec_for()
    request = by_level(spells_from(rows, spec), spec)
    best = next(s for s in request.standards if s.group == "best")
    n4, n5 = (rows["score"] == 4).sum(), (rows["score"] == 5).sum()
    assert best.curve.tolist() == [3, 4]
    assert best.weight == pytest.approx(np.array([n4, n5]) / (n4 + n5), abs=1e-12)


def test_from_signup_there_is_no_contrast_and_no_mean() -> None:
    rows, spec = random_rows(3, 300, late=True), spec_for(late=True)
    request = pooled(spells_from(rows, spec), spec)
    assert request is not None
    since = from_first_at_risk(replace(request, horizons=(6,)))
    assert since.labels["scenario"] == "since_signup"
    assert (since.contrasts, since.horizons, since.since_signup) == ((), (), True)
    assert all(len(s.curve) == 1 for s in since.standards)


# --- standardised -----------------------------------------------------------------------------------------------------


class Loop:
    """Plain loops over rows, remembering what they found."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self.rows = rows
        self.sizes = rows["score"].value_counts()
        self.cells = dict(list(rows.groupby(["score", "plan"])))
        self.known: dict[tuple[int, str, int], float] = {}

    def hazard(self, level: int, plan: str, t: int) -> float:
        """Share lost in period t of those at risk; NaN where nobody is."""
        key = (level, plan, t)
        if key not in self.known:
            mine = self.cells.get((level, plan), self.rows.iloc[:0])
            at_risk = mine[(mine["entry"] < t) & (mine["exit"] >= t)]
            lost = (at_risk["exit"] == t) & (at_risk["cause"] != "")
            self.known[key] = float(lost.mean()) if len(at_risk) else np.nan
        return self.known[key]

    def conditional(self, level: int, plan: str, entry: int, h: int) -> float:
        """S(e + h) / S(e); NaN beyond the last at risk, unless all were lost."""
        survival = 1.0
        for t in range(entry + 1, entry + h + 1):
            if survival > 0:
                survival *= 1 - self.hazard(level, plan, t)
        return survival

    def standardised(
        self, levels: list[int], contrast: list[int], horizon: int, h: int
    ) -> tuple[float, float]:
        """Standardised S(h) of some levels over the support of a contrast, and the share it covers."""
        target = self.rows.groupby(["plan", "entry"]).size() / len(self.rows)
        inside = {
            cell: share
            for cell, share in target.items()
            if all(not np.isnan(self.conditional(level, *cell, horizon)) for level in contrast)
        }
        total = sum(inside.values())
        value = 0.0
        for level in levels:
            level_share = self.sizes[level] / self.sizes[levels].sum()
            for (plan, entry), share in inside.items():
                value += level_share * share / total * self.conditional(level, plan, entry, h)
        return value, total


@pytest.mark.parametrize(
    ("seed", "n", "late"), [(41, 900, False), (42, 120, False), (43, 500, True), (44, 80, False)]
)
def test_standardised_survival_equals_the_loop(seed: int, n: int, late: bool) -> None:
    rows = random_rows(seed, n, strata=3, late=late, follow_up=(3, 9))
    loop = Loop(rows)
    horizon = 4
    spec = spec_for(horizon=horizon, adjust=("plan",), late=late, contrasts=("best:worst", "5:1-2"))
    spells, request = request_of(rows, spec)
    points = point_curves(spells, request)
    assert set(loop.sizes.index) == {1, 2, 3, 4, 5}
    levels = LEVELS | {str(level): [level] for level in range(1, 6)}
    headline = {1, 4, 5}
    seen = []
    for g in request.own:
        name = request.standards[g].group
        contrast = sorted(headline) if set(levels[name]) <= headline else sorted({*levels[name], 1})
        seen.append((g, name, contrast))
    for a, b in request.contrasts:
        names = request.standards[a].group, request.standards[b].group
        both = sorted({*levels[names[0]], *levels[names[1]]})
        assert request.covered[names] == pytest.approx(
            loop.standardised(levels[names[0]], both, horizon, 0)[1], abs=1e-12
        )
        seen += [(a, names[0], both), (b, names[1], both)]
    for g, name, contrast in seen:
        for h in range(horizon + 4):
            expected, _ = loop.standardised(levels[name], contrast, horizon, h)
            assert points[g, h] == pytest.approx(expected, abs=1e-10, nan_ok=True)


def test_support_excludes_some_stratum_in_these_cohorts() -> None:
    rows = random_rows(42, 120, strata=3, follow_up=(3, 9))
    _, request = request_of(rows, spec_for(horizon=4, adjust=("plan",)))
    assert min(request.covered.values()) < 0.9  # or the loop above would prove little


def test_every_level_of_a_contrast_must_be_at_risk_to_the_horizon() -> None:
    # in y, level 5 of best is followed for five periods only: y supports no contrast with best
    rows = cell_rows(
        (1, "x", 6, 0, 10), (4, "x", 6, 0, 10), (5, "x", 6, 0, 10), (2, "x", 6, 0, 5),
        (1, "y", 6, 0, 10), (4, "y", 6, 0, 10), (5, "y", 5, 0, 10), (2, "y", 6, 0, 5),
    )  # fmt: skip
    _, request = request_of(rows, spec_for(horizon=6, adjust=("plan",)))
    assert request.covered == pytest.approx({
        ("best", "worst"): 0.5, ("2", "worst"): 1.0, ("4", "worst"): 1.0, ("5", "worst"): 0.5,
    })  # fmt: skip
    own = {request.standards[g].group: len(np.unique(request.standards[g].curve)) for g in request.own}
    # worst, 1, 4 and 5 are in the headline contrast and share its support; 2 stands on its contrast with worst
    assert own == {"1": 1, "2": 2, "4": 1, "5": 1, "worst": 1, "best": 2}


def test_without_worst_a_group_stands_on_its_own_support() -> None:
    rows = cell_rows(
        (4, "x", 6, 0, 10), (5, "x", 6, 0, 10), (2, "x", 6, 0, 5), (4, "y", 6, 0, 10), (5, "y", 5, 0, 10)
    )
    _, request = request_of(rows, spec_for(horizon=6, adjust=("plan",)))
    assert request.contrasts == ()
    assert request.covered == pytest.approx(
        {("2", ""): 25 / 45, ("4", ""): 1.0, ("5", ""): 25 / 45, ("best", ""): 25 / 45}
    )


def test_no_support_is_no_row_but_a_known_share() -> None:
    rows = random_rows(3, 200, strata=2, follow_up=(2, 4))
    spells, request = request_of(rows, spec_for(horizon=9, adjust=("plan",)))
    assert request.standards == ()
    assert request.own == ()
    assert request.covered["best", "worst"] == 0
    assert point_curves(spells, request).shape == (0, 13)


def test_one_stratum_on_the_survey_clock_needs_no_standardisation() -> None:
    rows, spec = random_rows(3, 100), spec_for()
    spells = spells_from(rows, spec)
    assert standardised(spells, spec, reaches(spells, 6)) is None
    late, spec = random_rows(3, 100, late=True), spec_for(late=True)
    assert standardised(spells_from(late, spec), spec, None) is not None


def test_models_that_extrapolate_need_no_support() -> None:
    rows = cell_rows((1, "x", 6, 0, 10), (5, "x", 6, 0, 10), (5, "y", 2, 0, 30))
    spec = spec_for(adjust=("plan",))
    request = standardised(spells_from(rows, spec), spec, None)
    assert request is not None
    assert request.covered == pytest.approx({("best", "worst"): 1.0, ("5", "worst"): 1.0})
    worst = next(s for s in request.standards if s.group == "worst")
    # every combination of two levels and two strata, in row-major order; level 1 in y has nobody
    assert worst.curve.tolist() == [0, 1]
    assert worst.weight == pytest.approx([0.4, 0.6], abs=1e-12)


def test_customers_who_are_never_at_risk_are_in_no_period() -> None:
    rows = pd.DataFrame({"score": [1, 1, 3], "entry": [5, 0, 0], "exit": 5, "cause": ["", "lost", ""]})
    periods = person_periods(spells_from(rows, spec_for(late=True)))
    assert periods.at_risk.tolist() == [[1] * 5, [1] * 5]
    assert periods.lost.tolist() == [[0, 0, 0, 0, 1], [0] * 5]
