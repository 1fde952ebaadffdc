"""Averages over customers retained: weights and contrasts worked by hand, in strata whose contrasts differ."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from cxlink.checks import matching
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort
from cxlink.estimands.headline import headline
from cxlink.estimands.tidy import select, tidy
from cxlink.groups.curves import Standard
from cxlink.groups.headline_requests import curve_requests
from cxlink.groups.mixtures import mixtures, standardise
from cxlink.groups.retained import Scored, retained_shares, retained_weights
from cxlink.groups.standardisation import standardised

# losses in months 1 to 4 of each score and plan, of 1,000 customers
EARLY = {("1", "a"): (800, 50, 50, 40), ("1", "b"): (0, 100, 100, 80), ("2", "a"): (100, 0, 450, 0),
         ("2", "b"): (0, 10, 90, 180)}  # fmt: skip


def counts_of(losses: dict[tuple[str, str], tuple[int, ...]], n: int = 1000, **analysis: object) -> Counts:
    def rows() -> Iterator[tuple[int, str, int, int]]:
        for (score, plan), lost in losses.items():
            for month, here in enumerate(lost, 1):
                yield from [(int(score), plan, month, 1)] * here
            yield from [(int(score), plan, len(lost), 0)] * (n - sum(lost))

    spec = make_spec({
        "score": {"column": "score", "scale": "1-3", "best": [2]},
        "subscription": {"duration": "months", "event": "lost"},
        "adjust": {"columns": ["plan"]},
        "analysis": {"draws": 400, "horizon": 4, "tenure_horizons": [2, 3], "given": [2], **analysis},
    })  # fmt: skip
    return read_cohort(pd.DataFrame(rows(), columns=["score", "plan", "months", "lost"]), spec).count()


def estimates(counts: Counts) -> pd.DataFrame:
    return tidy(headline(spells_of(counts), counts, np.random.default_rng(4))[0])


def test_a_lag_is_standardised_to_the_strata_of_all_retained() -> None:
    """After month 1: 200 + 900 customers in plan a, 1,000 + 1,000 in b. Contrasts of the rest: −0.1 and +0.01."""
    table = select(estimates(counts_of(EARLY)), scenario="lag=1", adjusted="standardised")
    retained = {"a": 1100 / 3100, "b": 2000 / 3100}
    to_the_end = {
        ("1", "a"): 60 / 200, ("1", "b"): 720 / 1000, ("2", "a"): 450 / 900, ("2", "b"): 720 / 1000
    }  # fmt: skip
    expected = {s: sum(retained[p] * to_the_end[s, p] for p in "ab") for s in "12"}
    shown = table.set_index(["estimand", "group"])["estimate"]
    for score in "12":
        assert shown["retention", score] == pytest.approx(expected[score], abs=1e-12)
    difference = expected["2"] - expected["1"]
    assert difference == pytest.approx(0.2 * 1100 / 3100)
    assert shown["retention_difference", "best"] == pytest.approx(difference, abs=1e-12)
    # a ratio of the two averages would have scored the lost plan against the worst: 40 against 39 % of what was there
    ratio = (450 + 720) / 1900 - (60 + 720) / 1200
    assert abs(ratio - difference) > 0.08


def test_where_strata_differ_and_scores_do_not_the_lag_shows_nothing() -> None:
    """Score 1 loses 80 % of plan a in month 1; from month 2 on both scores lose a tenth in a, a hundredth in b."""
    flat = {("1", "a"): (8000, 200, 180, 162), ("2", "a"): (0, 1000, 900, 810),
            ("1", "b"): (0, 100, 99, 98), ("2", "b"): (0, 100, 99, 98)}  # fmt: skip
    table = estimates(counts_of(flat, n=10_000))
    lagged = select(
        table, scenario="lag=1", adjusted="standardised", estimand="retention_difference", group="best"
    )
    row = lagged.iloc[0]
    assert row["estimate"] == pytest.approx(0, abs=1e-12)
    assert row["conf_low"] < 0 < row["conf_high"]
    whole = select(table, scenario="", adjusted="standardised", estimand="retention", horizon=(1, 4))
    curve = whole.set_index(["group", "horizon"])["estimate"]
    of_averages = curve["best", 4] / curve["best", 1] - curve["worst", 4] / curve["worst", 1]
    assert of_averages == pytest.approx(
        (0.729 + 0.9703) / 2 - (0.1458 + 0.9703) / 1.2, abs=1e-12
    )  # −8 points


def test_an_unadjusted_group_is_its_own_customers_retained() -> None:
    table = select(estimates(counts_of(EARLY)), scenario="lag=1", adjusted="no", estimand="retention")
    shown = table.set_index("group")["estimate"]
    assert shown["1"] == pytest.approx((60 + 720) / 1200, abs=1e-12)
    assert shown["best"] == pytest.approx((450 + 720) / 1900, abs=1e-12)
    assert shown["all"] == pytest.approx(1950 / 3100, abs=1e-12)


def test_remaining_tenure_is_of_the_strata_retained() -> None:
    """After two months: 150 + 900 in plan a, 900 + 990 in b; then the area under S(t | 2), log-linear in a month."""
    table = select(estimates(counts_of(EARLY)), estimand="remaining_tenure", adjusted="standardised", given=2)
    retained = {"a": 1050 / 2940, "b": 1890 / 2940}
    curves = {
        ("1", "a"): (1, 100 / 150, 60 / 150), ("1", "b"): (1, 800 / 900, 720 / 900),
        ("2", "a"): (1, 0.5, 0.5), ("2", "b"): (1, 900 / 990, 720 / 990),
    }  # fmt: skip
    shown = table.set_index(["group", "horizon"])["estimate"]
    area = {}
    for score in "12":
        mixed = [sum(retained[p] * curves[score, p][t] for p in "ab") for t in range(3)]
        area[score] = sum((b - a) / np.log(b / a) for a, b in pairwise(mixed))
        assert shown[score, 2] == pytest.approx(area[score], abs=1e-12)
    difference = select(
        estimates(counts_of(EARLY)), estimand="remaining_tenure_difference", adjusted="standardised", given=2
    )
    row = difference[(difference["group"] == "best") & (difference["horizon"] == 2)].iloc[0]
    assert row["estimate"] == pytest.approx(area["2"] - area["1"], abs=1e-12)


def test_only_strata_where_every_level_is_at_risk_count() -> None:
    """Score 1 has nobody left in plan a after month 1: the lag stands on plan b alone."""
    gone = {**EARLY, ("1", "a"): (1000, 0, 0, 0)}
    table = select(
        estimates(counts_of(gone)), scenario="lag=1", adjusted="standardised", estimand="retention"
    )
    shown = table.set_index("group")["estimate"]
    assert shown["worst"] == pytest.approx(0.72, abs=1e-12)
    assert shown["best"] == pytest.approx(0.72, abs=1e-12)


def test_nobody_at_risk_later_is_said() -> None:
    counts = counts_of(EARLY, given=[4])
    rows, checks = headline(spells_of(counts), counts, np.random.default_rng(4))
    assert not [row for row in rows if row["estimand"] == "remaining_tenure"]
    said = matching(checks, code="not_answered", model="kaplan_meier")
    assert {(c.facts["case"], c.value) for c in said if c.facts["estimand"] == "remaining_tenure"} == {
        ("no_start_later", 4.0)
    }


def test_weights_are_redrawn_with_the_draws() -> None:
    """The variance of the lagged average is that of S(4)/S(1) in each plan, and of the plans' shares at month 1."""
    counts = counts_of(EARLY, draws=4000)
    table = select(
        estimates(counts), scenario="lag=1", adjusted="standardised", estimand="retention", group="2"
    )
    a, n = 1100 / 3100, 3100
    fixed = a**2 * 0.5 * 0.5 / 900 + (1 - a) ** 2 * 0.72 * 0.28 / 1000
    # plans at the survey are drawn as well: 4,000 customers multinomial over the spells
    shares = (0.72 - 0.5) ** 2 * a * (1 - a) / n
    assert table["std_error"].iloc[0] == pytest.approx(np.sqrt(fixed + shares), rel=4 / np.sqrt(2 * 4000))


def scored() -> Scored:
    """Levels 0 and 1 in strata 0 and 1, entering at 0: 30 and 10 customers in the first, 20 and 40 in the second."""
    return Scored(
        np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.arange(4), np.zeros(4, int),
        np.array([30.0, 20.0, 10.0, 40.0]), np.array([0.75, 1 / 3, 0.25, 2 / 3]),
    )  # fmt: skip


BAND = Standard("1-2", np.arange(4), np.zeros(4, int), np.array([0.2, 0.3, 0.2, 0.3]), 100, 50)
ONE = Standard("1", np.arange(2), np.zeros(2, int), np.array([0.4, 0.6]), 50, 25)


def test_weights_of_levels_and_strata_by_hand() -> None:
    """Retained: 15 and 10 of 40 in the first stratum, 20 and 20 of 60 in the second; 35 and 30 by level."""
    shares = np.array([0.5, 1.0, 1.0, 0.5])
    first, second = 0.4 * 25 / 40, 0.6 * 40 / 60
    strata = np.array([first, second]) / (first + second)
    band, one = retained_weights([BAND, ONE], scored(), lambda curve, _: shares[curve][:, None])
    assert one[:, 0] == pytest.approx(strata, abs=1e-15)
    level = np.array([35, 30]) / 65
    assert band[:, 0] == pytest.approx(np.outer(level, strata).ravel(), abs=1e-15)


def test_without_losses_weights_are_those_at_the_survey() -> None:
    band, one = retained_weights([BAND, ONE], scored(), lambda curve, _: np.ones((len(curve), 2)))
    assert one == pytest.approx(np.repeat(ONE.weight[:, None], 2, axis=1), abs=1e-15)
    share = np.array([50, 50]) / 100
    assert band[:, 0] == pytest.approx(np.outer(share, [0.4, 0.6]).ravel(), abs=1e-15)


def test_a_draw_that_retains_nobody_takes_the_weights_at_the_survey() -> None:
    (one,) = retained_weights([ONE], scored(), lambda curve, _: np.zeros((len(curve), 1)))
    assert one[:, 0] == pytest.approx(ONE.weight, abs=0)
    (own,) = retained_weights([ONE], None, lambda curve, _: np.zeros((len(curve), 1)))
    assert own[:, 0] == pytest.approx(ONE.weight, abs=0)


def test_an_average_of_late_entries_goes_on_from_each() -> None:
    """Own customers: two entries of one curve with S = 1, .8, .4, .1; after one period 0.5·0.8 and 0.5·0.5 are left."""
    log_s = np.log(np.array([1.0, 0.8, 0.4, 0.1]))[None, :, None]
    late = Standard("x", np.zeros(2, int), np.array([0, 1]), np.array([0.5, 0.5]), 2, 2)
    weights = retained_weights([late], None, retained_shares(log_s, 1))
    assert weights[0][:, 0] == pytest.approx([0.4 / 0.65, 0.25 / 0.65], abs=1e-15)
    found = standardise(log_s, mixtures([late]), np.array([0, 1, 2]), weights, 1)
    # the second entry is known for one period from then on, and adds nothing after
    expected = [1, (0.4 * 0.5 + 0.25 * 0.25) / 0.65, 0.4 * 0.125 / 0.65]
    assert found[0, 0] == pytest.approx(expected, abs=1e-15)


def test_one_set_of_strata_for_both_sides_of_a_contrast() -> None:
    counts = counts_of(EARLY)
    spells = spells_of(counts)
    (average,) = (r for r in curve_requests(spells, counts.spec) if r.labels["adjusted"] == "standardised")
    lag = next(one for one in average.later if one.given == 1)
    by_stratum = []
    drawn = np.random.default_rng(1).uniform(-1, 0, (spells.n_pairs, 5, 3))
    weights = retained_weights(lag.standards, lag.scored, retained_shares(np.cumsum(drawn, axis=1), 1))
    for g in lag.contrasts[0]:
        stratum = spells.stratum[lag.standards[g].curve]
        by_stratum.append([weights[g][stratum == s].sum(axis=0) for s in range(2)])
    assert np.array(by_stratum[0]) == pytest.approx(np.array(by_stratum[1]), abs=1e-14)


def test_models_that_extrapolate_keep_every_stratum() -> None:
    counts = counts_of({**EARLY, ("1", "a"): (1000, 0, 0, 0)})
    request = standardised(spells_of(counts), counts.spec, None, 2)
    assert request is not None
    assert request.scored is not None
    assert (len(request.scored.n), request.given) == (4, 2)
    assert {len(standard.curve) for standard in request.standards} == {2}
