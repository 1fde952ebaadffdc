"""What is true of value, the negative control and sensitivity analyses; by sums, for a cohort's own mix."""

from collections.abc import Iterator

import numpy as np

from cxlink.sensitivity.reliability_rows import CORRECTED
from validation.printed.exact_truths import (
    RATE,
    PairTruths,
    Row,
    averaged,
    both_rows,
    levelled,
    own_rows,
    truth_row,
)  # fmt: skip
from validation.printed.planted_law import (
    BEST,
    GIVEN,
    HORIZON,
    LEVELS,
    MARGIN_SHARE,
    RESPONSE,
    WORST,
)  # fmt: skip


def tipping_truth(pairs: PairTruths, n: np.ndarray) -> Iterator[Row]:
    """Give the retention of those without a score at which the contrast would vanish."""
    curves = averaged(pairs.survival, n.sum(axis=0), n.sum(axis=1))
    best, worst = (float(curves[g][HORIZON]) for g in ("best", "worst"))
    point = (worst - RESPONSE * best) / (1 - RESPONSE)
    yield truth_row("tipping_point", float(np.clip(point, 0, 1)), "best", "worst", horizon=HORIZON)


def slope_truths(pairs: PairTruths, n: np.ndarray, calibration: float) -> Iterator[Row]:
    """Give the line through the levels' retention, and the same over λ: customers per level are the weights."""
    y = levelled(pairs.survival[..., HORIZON], n.sum(axis=0))
    weight, x = n.sum(axis=1), np.array(LEVELS, dtype=float)
    off = x - weight @ x / weight.sum()
    slope = float(weight @ (off * y) / (weight @ off**2))
    inside = [np.isin(LEVELS, group) for group in (BEST, WORST)]
    apart = [weight[at] @ x[at] / weight[at].sum() for at in inside]
    for value, scenario in ((slope, ""), (slope / min(calibration, 1.0), CORRECTED)):
        yield truth_row("retention_slope", value, "all", "", horizon=HORIZON, scenario=scenario, model="line")
        whole = float(np.clip((apart[0] - apart[1]) * value, -1, 1))
        yield truth_row(
            "retention_difference", whole, "best", "worst", horizon=HORIZON, scenario=scenario, model="line"
        )


def value_truths(pairs: PairTruths, n: np.ndarray, horizon: int = HORIZON) -> Iterator[Row]:
    """Give revenue and value of new customers and of those who have stayed, and what the next period brings.

    Σ_t e^(−δt) Σ_kinds P(kind) S_kind(t) E[rate of the kind]: margin and staying go together.
    """
    for given in (0, GIVEN):
        left = n * pairs.survival[..., given]
        later = pairs.after(given)
        for first in (0, 1):
            worth = averaged(values(later, horizon, first), left.sum(axis=0), left.sum(axis=1))
            for name, share in (("revenue", 1.0), ("value", MARGIN_SHARE)):
                found = {g: share * float(v) for g, v in worth.items()}
                if first:
                    if not given:
                        yield from own_rows(name, found, horizon=horizon, scenario="first_excluded")
                elif given:
                    yield from own_rows(name, found, horizon=horizon, given=given)
                else:
                    yield from both_rows(name, found, horizon=horizon)
        rate = averaged(later.earned[..., 0], left.sum(axis=0), left.sum(axis=1))
        yield from own_rows("revenue_per_period", {g: float(v) for g, v in rate.items()}, given=given)
        yield from own_rows(
            "margin_per_period", {g: MARGIN_SHARE * float(v) for g, v in rate.items()}, given=given
        )


def values(pairs: PairTruths, periods: int, first: int = 0) -> np.ndarray:
    """Give what a customer of each pair brings over so many periods, discounted, (n_levels, n_strata)."""
    at = np.arange(first, periods + first)
    return np.asarray(pairs.earned[..., at] @ np.exp(-RATE * at))


def control_truths(pairs: PairTruths, n: np.ndarray) -> Iterator[Row]:
    """Give the contrasts of the negative control."""
    mean = averaged(pairs.control, n.sum(axis=0), n.sum(axis=1))
    yield from both_rows("control", {g: float(v) for g, v in mean.items()})
