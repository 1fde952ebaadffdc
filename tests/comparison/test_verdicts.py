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
        # three questions: limits are z(.05/6)/z(.025) = 1.2214 times as far, in logarithms
        ((1.06, 1.009, 1.1), FINE, VALID),  # 1.06·(1.009/1.06)^1.2214 = .9981
        ((1.06, 1.012, 1.1), FINE, RECALIBRATE),  # 1.0017
        ((0.94, 0.9, 0.987), FINE, RECALIBRATE),  # .9977
        ((0.94, 0.9, 0.990), FINE, VALID),  # 1.0014
        (FINE, (0.85, 0.7, 0.968), REFIT),  # .9963
        (FINE, (0.85, 0.7, 0.974), VALID),  # 1.0038
        (FINE, (1.2, 1.04, 1.4), REFIT),  # 1.0076
        (FINE, (1.2, 1.03, 1.4), VALID),  # .9958
        # on the scale of the slope itself where it may be negative: .4 + 1.2214·.49 = .9985, and .4 + 1.2214·.5
        (FINE, (0.4, -0.2, 0.89), REFIT),
        (FINE, (0.4, -0.2, 0.9), VALID),
        ((2.0, 1.8, 2.2), (0.5, 0.4, 0.6), REFIT),
        (FINE, None, VALID),
        ((1.5, 1.3, 1.7), None, RECALIBRATE),
        # two questions: 1.1436 times as far
        ((1.06, 1.009, 1.1), None, RECALIBRATE),  # 1.0019
    ],
)
def test_ratio_and_slope(ratio: Ends, slope: Ends | None, verdict: str) -> None:
    assert verdict_of(calibration(ratio, slope)).verdict == verdict


@pytest.mark.parametrize(
    ("level", "verdict"),
    [
        # .06 − 1.2214·.024 = .0307, .06 − 1.2214·.025 = .0295
        ((0.06, 0.036, 0.09), REFIT),
        ((0.06, 0.035, 0.09), VALID),
        ((-0.06, -0.09, -0.036), REFIT),
        ((-0.06, -0.09, -0.035), VALID),
    ],
)
def test_a_level_off_by_over_three_points_beyond_its_interval(level: Ends, verdict: str) -> None:
    found = verdict_of(calibration(FINE, FINE, level))
    assert found.verdict == verdict
    assert found.off == (("3",) if verdict == REFIT else ())
    assert found.slope == FINE
    assert why(found).endswith(
        "the calibration slope is 1.00 [0.80, 1.20], simultaneously [0.76, 1.25]; "
        f"{'at score 3 the' if found.off else 'at no score does the'} simultaneous "
        f"confidence interval of the difference {'lies' if found.off else 'lie'} wholly beyond ±3 percentage points"
    )


def test_a_level_is_judged_once_the_ratio_is_put_right() -> None:
    """All levels off alike is what recalibrating is for."""
    off, high = (0.06, 0.04, 0.09), (1.5, 1.3, 1.7)
    assert verdict_of(calibration(high, FINE, level=off)).verdict == RECALIBRATE
    assert verdict_of(calibration(high, FINE, recalibrated=off)).verdict == REFIT


def test_scores_share_what_is_left_to_them() -> None:
    # four scores: z(.05/24)/z(.025) = 1.4616 times as far, .06 − 1.4616·.020 = .0308 and .06 − 1.4616·.021 = .0293
    for low, verdict in ((0.040, REFIT), (0.039, VALID)):
        rows = calibration(FINE, FINE, (0.06, low, 0.09))
        calm = {"estimate": 0.0, "conf_low": -0.01, "conf_high": 0.01}
        others = [rows[rows["quantity"].eq("difference")].assign(group=name, **calm) for name in "124"]
        assert verdict_of(pd.concat([rows, *others], ignore_index=True)).verdict == verdict


def test_the_level_of_the_comparison_is_that_of_the_verdict() -> None:
    # z(.2/6)/z(.1) = 1.4311 times as far: .06 − 1.4311·.020 = .0314, and of 95 % intervals 1.2214 times
    rows = calibration(FINE, FINE, (0.06, 0.037, 0.09))
    assert verdict_of(rows).verdict == REFIT
    assert verdict_of(rows, level=0.8).verdict == VALID


def test_of_spend_three_per_cent_of_what_was_predicted() -> None:
    assert verdict_of(calibration(FINE, FINE, (9, 6.6, 12), spend=True)).verdict == REFIT
    assert verdict_of(calibration(FINE, FINE, (9, 6.5, 12), spend=True)).verdict == VALID


def test_what_is_not_estimable_is_called_so_and_the_rule_has_its_limits() -> None:
    assert why(verdict_of(calibration((1.5, 1.3, 1.7), None, spend=True))) == (
        "the observed-to-expected ratio is 1.50 [1.30, 1.70], simultaneously [1.27, 1.73]; the calibration slope is "
        "not estimable; at no score does the simultaneous confidence interval of the difference lie wholly beyond "
        "±3 % of predicted mean spend"
    )
    assert "within 0.95 to 1.05 and the calibration slope within 0.9 to 1.1" in rule("retention")
