"""The rule of the verdict: each branch, at its edges."""

import pandas as pd
import pytest

from cxlink.comparison.recommendation import RECALIBRATE, REFIT, VALID, verdict_of
from cxlink.report.change_sections.verdict_words import rule, why

Ends = tuple[float, float, float]


def calibration(
    ratio: Ends | None,
    slope: Ends | None,
    level: Ends = (0, -1, 1),
    recalibrated: Ends = (0, -1, 1),
    spend: bool = False,
) -> pd.DataFrame:
    """Rows of one outcome; ends are estimate, lower and upper."""
    known = {("observed_over_expected", "all"): ratio, ("slope", "all"): slope}
    known |= {
        ("difference", "3"): level,
        ("difference_mended", "3"): recalibrated,
        ("predicted", "3"): (200, 190, 210),
    }
    rows = [
        {
            "base": "old", "cohort": "new", "estimand": "spend" if spend else "retention", "group": group,
            "quantity": quantity, "estimate": ends[0], "conf_low": ends[1], "conf_high": ends[2],
        }
        for (quantity, group), ends in known.items() if ends is not None
    ]  # fmt: skip
    return pd.DataFrame(rows)


FINE = (1.0, 0.8, 1.2)


@pytest.mark.parametrize(
    ("ratio", "slope", "verdict"),
    [
        (FINE, FINE, VALID),
        ((1.04, 1.03, 1.05), (0.92, 0.91, 0.93), VALID),  # off by less than matters
        ((1.2, 0.99, 1.4), (0.7, 0.4, 1.01), VALID),  # off by no more than chance
        ((1.06, 1.01, 1.1), FINE, RECALIBRATE),
        ((0.94, 0.9, 0.99), FINE, RECALIBRATE),
        (FINE, (0.85, 0.7, 0.99), REFIT),
        (FINE, (1.2, 1.01, 1.4), REFIT),
        ((2.0, 1.8, 2.2), (0.5, 0.4, 0.6), REFIT),
        (FINE, None, VALID),
        ((1.5, 1.3, 1.7), None, RECALIBRATE),
    ],
)
def test_ratio_and_slope(ratio: Ends, slope: Ends | None, verdict: str) -> None:
    assert verdict_of(calibration(ratio, slope)).verdict == verdict


@pytest.mark.parametrize(
    ("level", "verdict"),
    [
        ((0.06, 0.031, 0.09), REFIT),
        ((0.06, 0.029, 0.09), VALID),
        ((-0.06, -0.09, -0.031), REFIT),
    ],
)
def test_a_level_off_by_over_three_points_beyond_its_interval(level: Ends, verdict: str) -> None:
    found = verdict_of(calibration(FINE, FINE, level))
    assert found.verdict == verdict
    assert found.off == (("3",) if verdict == REFIT else ())
    assert found.slope == FINE
    assert why(found).endswith(
        f"the calibration slope is 1.00 [0.80, 1.20]; {'at score 3 the' if found.off else 'at no score does the'} "
        f"confidence interval of the difference {'lies' if found.off else 'lie'} wholly beyond ±3 percentage points"
    )


def test_a_level_is_judged_once_the_ratio_is_put_right() -> None:
    """All levels off alike is what recalibrating is for."""
    off, high = (0.06, 0.04, 0.09), (1.5, 1.3, 1.7)
    assert verdict_of(calibration(high, FINE, level=off)).verdict == RECALIBRATE
    assert verdict_of(calibration(high, FINE, recalibrated=off)).verdict == REFIT


def test_of_spend_three_per_cent_of_what_was_predicted() -> None:
    assert verdict_of(calibration(FINE, FINE, (9, 6.1, 12), spend=True)).verdict == REFIT
    assert verdict_of(calibration(FINE, FINE, (9, 5.9, 12), spend=True)).verdict == VALID


def test_what_is_not_estimable_is_called_so_and_the_rule_has_its_limits() -> None:
    assert why(verdict_of(calibration((1.5, 1.3, 1.7), None, spend=True))) == (
        "the observed-to-expected ratio is 1.50 [1.30, 1.70]; the calibration slope is not estimable; at no score does "
        "the confidence interval of the difference lie wholly beyond ±3 % of predicted mean spend"
    )
    assert "within 0.95 to 1.05 and the calibration slope within 0.9 to 1.1" in rule("retention")
