"""The proof of what is printed beside the headline: laws, truths by hand and as limits, rules that can fail."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import pytest

from cxlink.cohort.count.spells import spells_of
from cxlink.sensitivity.negative_control import control_rows
from cxlink.study.replications import tally
from cxlink.value.customer_value import generator, value_results
from validation.printed import break_even_proof, planted_law
from validation.printed.curve_entries import standardised_curves
from validation.printed.entries import ENTRIES_BY_NAME
from validation.printed.entry import FEWER, SIZES, Row, joined, standardised
from validation.printed.exact_truths import area, averaged, curve_truths, half_left, mix_of, pair_truths
from validation.printed.further_truths import (
    control_truths,
    slope_truths,
    tipping_truth,
    value_truths,
    values,
)
from validation.printed.model_entries import whole_counts
from validation.printed.planted_law import HORIZON, PlantedLaw, counts_of, drawn, planted_laws, spec_of
from validation.printed.printed_proof import cells, coverage, judged, page, tallied, verdicts
from validation.printed.value_entries import gained, programme_truths

LAWS = planted_laws()
ROUNDED = 1e-4
"""Of a billion customers the rarest cells are rounded to whole ones."""

MEDIANS = {
    "heavy_users_stay": ["worst"], "fading": ["worst", "best", "3"], "turning": [], "no_effect": ["worst", "best", "3"],
}  # fmt: skip
"""Groups half of which leave well inside follow-up."""


def far(rows: Iterable[Row]) -> pd.Series:
    table = pd.DataFrame(list(rows))
    return (table["estimate"] - table["truth"]).abs() / np.maximum(table["truth"].abs(), 0.1)


@pytest.mark.long
@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_truths_by_sums_are_the_limits_of_the_estimates(law: PlantedLaw) -> None:
    counts = whole_counts(law, spec_of(law))
    pairs, mix, rng = pair_truths(law), mix_of(counts), np.random.default_rng(1)
    known = [*curve_truths(pairs, mix), *tipping_truth(pairs, mix)]
    found = list(joined(standardised_curves(counts, rng), known))
    assert {row["estimand"] for row in found} >= {
        "retention", "tenure", "time_lost_ratio", "tenure_curtate", "tenure_discounted",
        "cumulative_incidence", "remaining_tenure_difference", "tipping_point",
    }  # fmt: skip
    assert len(found) == len(known)
    medians = [row["group"] for row in found if row["estimand"] == "tenure_median"]
    assert sorted(medians) == sorted(MEDIANS[law.name])
    assert far(found).max() < ROUNDED
    assert far(joined(standardised(control_rows(counts, rng)[0]), control_truths(pairs, mix))).max() < ROUNDED
    worth = standardised(value_results(spells_of(counts), counts, generator(counts.spec))[0])
    assert far(joined(worth, value_truths(pairs, mix))).max() < ROUNDED


def test_truths_by_hand() -> None:
    halving = np.array([1.0, 0.5, 0.25])
    assert area(halving, 2) == pytest.approx((0.5 + 0.25) / np.log(2))
    assert area(np.ones(4), 3) == 3
    assert half_left(np.array([1.0, 0.8, 0.4])) == pytest.approx(1 + np.log(1.6) / np.log(2))
    assert half_left(np.array([1.0, 0.8])) == np.inf
    by_pair = np.array([[1.0, 3.0], [0.0, 0.0], [5.0, 5.0], [2.0, 4.0], [4.0, 8.0]])
    found = averaged(by_pair, np.array([1.0, 1.0]), np.array([1.0, 1.0, 1.0, 1.0, 3.0]))
    assert found == pytest.approx({"worst": 2.0, "3": 5.0, "best": 0.25 * 3 + 0.75 * 6})


def test_the_slope_is_that_of_a_line_and_its_correction_divides() -> None:
    law = LAWS["no_effect"]
    pairs = pair_truths(law)
    line = 0.9 - 0.1 * np.arange(5.0)
    pairs.survival[:, :, HORIZON] = line[:, None]
    found = {(r["estimand"], r["scenario"]): r["truth"] for r in slope_truths(pairs, np.ones((5, 3)), 0.5)}
    assert found["retention_slope", ""] == pytest.approx(-0.1)
    assert found["retention_slope", "measurement_error"] == pytest.approx(-0.2)
    assert found["retention_difference", ""] == pytest.approx(-0.35)  # levels 4 and 5 against 1


def test_naive_constructions_miss_these_truths() -> None:
    heavy = pair_truths(LAWS["heavy_users_stay"])
    joint = values(heavy, HORIZON)
    # as if staying and spending were unrelated
    product = (heavy.earned[..., :1] * heavy.survival[..., :HORIZON]).sum(axis=-1)
    assert (product < heavy.earned[..., :HORIZON].sum(axis=-1)).all()
    assert (product[0] < 0.94 * heavy.earned[0, :, :HORIZON].sum(axis=-1)).all()
    assert (joint < heavy.earned[..., :HORIZON].sum(axis=-1)).all()  # discounted
    turning, n = pair_truths(LAWS["fading"]), 1e5 * LAWS["fading"].share.sum(axis=2)
    known = {
        (r["group"], r["reference"]): r["truth"]
        for r in curve_truths(turning, n)
        if r["estimand"] == "retention_ratio" and r.get("scenario") == "lag=3"
    }
    curves = averaged(turning.survival, n.sum(axis=0), n.sum(axis=1))
    of_averages = curves["best"][12] / curves["best"][3] / (curves["worst"][12] / curves["worst"][3])
    assert abs(of_averages / known["best", "worst"] - 1) > 0.02
    null = pair_truths(LAWS["no_effect"]).survival[..., HORIZON]
    share = LAWS["no_effect"].share.sum(axis=2)
    assert np.ptp(null, axis=0) == pytest.approx(0, abs=1e-12)
    plain = (share * null).sum(axis=1) / share.sum(axis=1)
    assert plain[-1] - plain[0] > 0.03
    ratio = LAWS["turning"].hazard[0, 0, 0, 1] / LAWS["turning"].hazard[-1, 0, 0, 1]
    assert ratio[0] > 1 > ratio[-1]  # of one cause, and not proportional


def test_a_programme_earns_what_the_best_bring_beyond_the_worst() -> None:
    law = LAWS["heavy_users_stay"]
    mix = np.zeros((5, 3))
    mix[0, 1], mix[3, 1], mix[4, 1] = 10, 30, 10
    brought = values(pair_truths(law), HORIZON)[:, 1]
    wanted = 0.4 * (0.75 * brought[3] + 0.25 * brought[4] - brought[0])
    assert gained(law, mix)[-1] == pytest.approx(wanted)
    known = {row["estimand"]: row["truth"] for row in programme_truths(law, mix, 100.0)}
    assert known["incremental_margin"] == pytest.approx(0.5 * 10 * wanted)
    assert known["break_even_share"] == pytest.approx(100 / (10 * wanted))
    earned = 0.5 * 10 * gained(law, mix)
    assert known["payback"] == 1 + np.flatnonzero(earned >= 100)[0]


def test_counts_are_those_of_the_law() -> None:
    law = LAWS["turning"]
    counts = counts_of(law, 1e5, spec_of(law), drawn(np.random.default_rng(2)))
    assert counts.scored["n"].sum() == 100_000
    assert counts.scored["n"].sum() / counts.cells["n"].sum() == pytest.approx(planted_law.RESPONSE, abs=1e-4)
    assert mix_of(counts) / 1e5 == pytest.approx(law.share.sum(axis=2), abs=4 * np.sqrt(0.1 / 1e5))
    spent = counts.scored["spend_sum"].sum() / counts.scored["spend_n"].sum()
    whole = whole_counts(law, spec_of(law)).scored
    assert spent == pytest.approx(whole["spend_sum"].sum() / whole["spend_n"].sum(), rel=0.02)


# the truth of a gain is a mean over a hundred cohorts
SLOW = {"codings": pytest.mark.slow}


@pytest.mark.long
@pytest.mark.parametrize("name", [pytest.param(name, marks=SLOW.get(name, ())) for name in ENTRIES_BY_NAME])
def test_every_entry_gives_rows_near_their_truths(name: str) -> None:
    entry = ENTRIES_BY_NAME[name]
    rows = list(
        entry.rows(entry.laws[0], entry.sizes[min(1, len(entry.sizes) - 1)], np.random.default_rng(5))
    )
    table = pd.DataFrame(rows)
    assert len(table) > 4
    assert not table.duplicated(["estimand", "group", "reference", "scenario", "model"]).any()
    off = (table["estimate"] - table["truth"]) / table["std_error"]
    assert off[np.isfinite(off)].abs().max() < 5


def test_cells_are_drawn_apart_and_tallied() -> None:
    assert len({cell.name for cell in cells()}) == len(cells()) == len({cell.seed for cell in cells()})
    one = cells()[0]
    sums = tallied("control", "no_effect", 20_000, 3, np.random.default_rng(1))
    table = coverage([(one, sums)])
    assert set(table["estimand"]) == {"control", "control_difference", "control_ratio"}
    assert table["planned"].unique().tolist() == [1_000]


def rows_of(**changed: object) -> pd.DataFrame:
    shared = {
        "entry": "control", "process": "no_effect", "estimand": "control", "group": "best", "scenario": "",
        "coverage": 0.95, "errors": 1.0, "made": 1_000, "cohorts": 1_000, "planned": 1_000, "lower_limit_only": False,
    }  # fmt: skip
    return pd.DataFrame([{**shared, "customers": n, **changed} for n in SIZES])


@pytest.mark.parametrize(
    ("changed", "held"),
    [
        ({}, [True, True, True]), ({"coverage": 0.995}, [False] * 3), ({"coverage": 0.89}, [False] * 3),
        *(({name: value}, [True, False, False]) for name, value in (
            ("coverage", 0.91), ("coverage", 0.985), ("errors", 1.2), ("errors", 0.85),
        )),
        ({"coverage": 0.915, "planned": FEWER, "cohorts": FEWER, "made": FEWER}, [True] * 3),
        ({"coverage": 1.0, "estimand": "payback", "errors": 3.0}, [True] * 3),
        ({"coverage": 1.0, "lower_limit_only": True}, [True] * 3),
        ({"coverage": 0.91, "lower_limit_only": True}, [True, False, False]),
        ({"coverage": 0.90, "cohorts": 50, "made": 50}, [True] * 3),
        ({"coverage": 0.84, "cohorts": 50, "made": 50}, [True, False, False]),
    ],
)  # fmt: skip
def test_rules_fail_where_they_should_and_name_the_row(changed: dict[str, object], held: list[bool]) -> None:
    found = list(verdicts(rows_of(**changed)))
    assert [one.held for one in found] == held
    assert all(("no_effect best" in one.found) != one.held for one in found)
    assert judged(rows_of(**changed))["passed"].tolist() == held


def test_the_page_lists_entries_laws_and_what_fails() -> None:
    row = {
        "estimand": "control", "model": "", "group": "best", "reference": "", "scenario": "", "adjusted": "", "n": 9,
        "truth": 1.0, "estimate": 1.0, "std_error": 1.0, "conf_low": 2.0, "conf_high": 3.0,
    }  # fmt: skip
    sums = tally([row, {**row, "estimate": 1.5}])
    text = "\n".join(page([(cells()[0], sums)]).lines)
    for entry in ENTRIES_BY_NAME.values():
        assert f"| {entry.name} | {entry.about} |" in text
    for name, law in LAWS.items():
        assert f"- `{name}`: {law.about}" in text
    assert "| control | control | heavy_users_stay | 1,500 | best | |" in text


def test_stated_probabilities_are_judged_by_bins() -> None:
    cell = break_even_proof.cells()[0]
    fair = pd.DataFrame({"bin": [0, 4], "n": [100, 100], "stated": [10.0, 90.0], "even": [12, 88]})
    assert all(one.held for one in break_even_proof.verdicts(break_even_proof.calibration([(cell, fair)])))
    # 2·√(.1·.9/100) + .03 = .09
    off = [
        one.held
        for one in break_even_proof.verdicts(
            break_even_proof.calibration([(cell, fair.assign(even=[20, 82]))])
        )
    ]
    assert off == [False, True]
    law = LAWS["heavy_users_stay"]
    assert break_even_proof.strengthened(law, 1.0).hazard == pytest.approx(law.hazard)
    none = break_even_proof.strengthened(law, 0.0).hazard
    assert none == pytest.approx(np.broadcast_to(none[:1], none.shape))
    sums = break_even_proof.tallied(1_500, 2, np.random.default_rng(3))
    assert sums["n"].sum() == 2
    assert "A short run" in "\n".join(
        break_even_proof.page([(break_even_proof.replace(cell, cohorts=2), sums)]).lines
    )
