"""Published curves followed to their end: errors of projections by hand, sources left out, rules of their page."""

import numpy as np
import pandas as pd
import pytest

from cxlink.study.published import read
from validation.extrapolation import curve_proof
from validation.extrapolation.error_table import RATIOS, errors_of, log_ratios, origins_of
from validation.extrapolation.estimators import errors_without
from validation.extrapolation.followed_curves import (
    FADER_HARDIE,
    PERSISTENCE,
    FollowedCurve,
    drawn_exits,
    followed_curves,
    law_of,
    observed_to,
)
from validation.extrapolation.long_law import request_of, spec_of, truths

HALVES = FollowedCurve("somewhere", "halves", 0.5 ** np.arange(11))
needs_curves = pytest.mark.skipif(
    not PERSISTENCE.is_file(), reason="the table of persistence curves is not beside us"
)


def test_errors_of_projections_by_hand() -> None:
    # half are lost in each period; projected: from period 5 on at twice that hazard, then at half of it from 8 on
    projected = -np.log(2) * np.array([0, 1, 2, 3, 4, 6, 8, 10, 12, 12.5, 13])
    found = {row["ratio"]: row for row in log_ratios(HALVES.survival, np.exp(projected), 4)}
    assert list(found) == [1.25, 1.5, 2.0]
    assert (found[1.25]["begin"], found[1.25]["end"]) == (4.5, 5.5)
    np.testing.assert_allclose([found[r]["log_ratio"] for r in (1.25, 1.5)], np.log([0.5, 0.5]), rtol=1e-12)
    # from 7.5 to 8.5: half a period at 2, half at .5
    assert found[2.0]["log_ratio"] == pytest.approx(np.log(1 / 1.25), rel=1e-12)
    several = next(log_ratios(HALVES.survival, np.exp([projected, projected / 2]), 4))["log_ratio"]
    np.testing.assert_allclose(several, np.log([0.5, 1.0]), atol=1e-12)


def test_origins_leave_something_to_compare() -> None:
    assert origins_of(HALVES) == (2, 3, 4, 5, 6, 7)
    assert origins_of(FollowedCurve("s", "long", 0.9 ** np.arange(61))) == (2, 3, 4, 15, 20, 24, 30, 36, 40)
    for curve in followed_curves().values():
        assert all(t * 1.375 <= curve.last and t >= 2 for t in origins_of(curve))


def test_the_published_table_is_what_the_script_makes() -> None:
    table = read("extrapolation_errors")
    assert set(table["ratio"]) <= set(RATIOS)
    for name in ("Regular", "High End"):
        curve = followed_curves()[name]
        made = pd.DataFrame([row for t in origins_of(curve) for row in errors_of(curve, t)])
        rows = table[table["curve"] == name].reset_index(drop=True)
        pd.testing.assert_frame_equal(made, rows, check_exact=False, atol=5e-4, rtol=0, check_dtype=False)


def test_a_source_left_out_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from cxlink.survival.tails import published_errors
    from validation.extrapolation import estimators

    table = read("extrapolation_errors")
    assert table["source"].nunique() == 6
    assert set(table.loc[table["source"] == FADER_HARDIE, "curve"]) == {"High End", "Regular"}
    worse = table.assign(log_ratio=table["log_ratio"].where(table["source"] != FADER_HARDIE, 9.0))
    monkeypatch.setattr(estimators, "published_table", lambda: worse)
    errors_without.cache_clear()
    usual = table[table["followed"] >= 5]
    kept = published_errors.errors_from(usual[usual["source"] != FADER_HARDIE])
    assert errors_without(FADER_HARDIE) == kept
    assert errors_without("persistence_adhd").level > 1
    with pytest.raises(LookupError, match="no published curve is of the source elsewhere"):
        errors_without("elsewhere")
    errors_without.cache_clear()


@needs_curves
def test_there_are_seven_curves_of_six_sources() -> None:
    curves = followed_curves()
    assert len(curves) == 7
    assert len({curve.source for curve in curves.values()}) == 6
    assert {curve.source for curve in curves.values()} == set(read("extrapolation_errors")["source"])
    for curve in curves.values():
        assert curve.survival[0] == 1
        assert (np.diff(curve.survival) <= 0).all()
    assert curves["ADHD"].origins() == (29, 36, 43)
    assert {one.cohorts for one in curve_proof.cells()} == {100}


def test_few_periods_have_constants_of_their_own() -> None:
    from cxlink.survival.tails.published_errors import errors_from, published_errors

    table = read("extrapolation_errors")
    few, usual = (errors_from(rows) for _, rows in table.groupby(table["followed"] >= 5))
    assert published_errors(4) == published_errors(1) == few
    assert published_errors(5) == published_errors(36) == usual
    assert few.level > usual.level
    assert few.growth > usual.growth


def test_without_the_table_beside_us_one_source_is_left(tmp_path: pytest.TempPathFactory) -> None:
    assert {curve.source for curve in followed_curves(tmp_path / "none.csv").values()} == {FADER_HARDIE}  # type: ignore[operator]


def test_a_cohort_is_one_of_its_curve_and_its_truth_is_the_curve_s() -> None:
    exits = drawn_exits(HALVES, 100_000, np.random.default_rng(1))
    assert exits.sum() == 100_000
    assert exits[0] == pytest.approx(50_000, abs=4 * np.sqrt(25_000))
    spells = observed_to(exits, 3)
    lost = spells.cause == 1
    np.testing.assert_array_equal(spells.n[lost], exits[:3])
    assert spells.exit[~lost].tolist() == [3]
    assert spells.n.sum() == 100_000
    law = law_of(HALVES, 3)
    found = {
        (row["estimand"], row["group"]): row["truth"]
        for row in truths(law, spells, request_of(spells, spec_of(law, (10,), 100)), (10,))
    }
    assert found["retention", "1"] == pytest.approx(2.0**-10, rel=1e-12)
    assert found["tenure", "1"] == pytest.approx((1 - 2.0**-10) / np.log(2), rel=1e-12)


def rows(source: str, held: int, width: float) -> pd.DataFrame:
    made = []
    for cohort in range(10):
        for model in (curve_proof.SHIPPED, *curve_proof.RIVALS):
            low = 5.0 if cohort < held or model != curve_proof.SHIPPED else 10.5
            wide = width if model == curve_proof.SHIPPED else 10.0
            made.append({
                "cohort": cohort, "model": model, "estimand": "tenure", "group": "1", "reference": "", "horizon": 12,
                "truth": 10.0, "estimate": 10.0, "std_error": 1.0, "conf_low": low, "conf_high": low + wide,
            })  # fmt: skip
    return pd.DataFrame(made).assign(fraction=0.5)


def test_sources_are_judged_by_hand() -> None:
    cells = [one for one in curve_proof.cells() if one.labels["source"] == FADER_HARDIE]
    made = curve_proof.page([(one, rows(FADER_HARDIE, 9, 8.0)) for one in cells])
    page = "\n".join(made.lines)
    assert "| tenure at the curve's end, 1,000 customers: at least 90 % over sources | 90.0% | held |" in page
    assert "| mean width of tenure, 1,000 customers: at most 1 × equal weights' | 0.80 | held |" in page
    assert (
        "| mean width of tenure, 100,000 customers: at most 0.75 × equal weights' | 0.80 | **not held** |"
        in page
    )
    few = "\n".join(curve_proof.page([(one, rows(FADER_HARDIE, 4, 8.0)) for one in cells]).lines)
    assert f"no source under half | {FADER_HARDIE}: 40.0% | **not held** |" in few
    assert "1 sources are 1 truths" in page
