"""The trial of anchors: laws known far beyond what is observed, and sums by hand."""

import numpy as np
import pandas as pd
import pytest

from validation.extrapolation.anchor_trial import (
    ANCHORED,
    FOLLOWED,
    HORIZONS,
    OLDER,
    anchor_law,
    older_share,
    summary,
)


def test_laws_are_known_to_the_farthest_horizon_and_never_rise() -> None:
    law = anchor_law(np.random.default_rng(0))
    assert law.log_survival.shape == (5, 3, max(HORIZONS) + 1)
    assert (np.diff(law.log_survival, axis=-1) < 0).all()
    assert law.follow_up.tolist() == [0.0] * (FOLLOWED - 1) + [1.0]
    assert law.share.sum() == pytest.approx(1, abs=1e-12)


def test_an_older_cohort_differs_by_a_factor_of_the_hazard() -> None:
    law = anchor_law(np.random.default_rng(0))
    kept = float((law.share * np.exp(law.log_survival[..., ANCHORED])).sum())
    shares = [older_share(law, np.random.default_rng(k)) for k in range(400)]
    assert {(one.start, one.period, one.n) for one in shares} == {(0, ANCHORED, float(OLDER))}
    found = np.log(-np.log([one.share for one in shares]))
    sampling = (1 - kept) / (OLDER * kept * np.log(kept) ** 2)
    # .148 between cohorts, and what 2,000 customers leave; a mixture's log hazard moves by a little less
    spread = np.sqrt(0.148**2 + sampling)
    assert found.mean() == pytest.approx(np.log(-np.log(kept)), abs=4 * spread / np.sqrt(400))
    assert 0.7 * spread < found.std() < 1.1 * spread


def test_a_summary_by_hand() -> None:
    table = pd.DataFrame({
        "horizon": 60, "anchored": [False, False, True, True], "held": [1.0, 0.5, 1.0, 1.0],
        "width": [4.0, 2.0, 1.0, 2.0], "error": [1.0, 3.0, 0.0, 1.0],
    })  # fmt: skip
    found = summary(table)
    assert found.loc[(60, False), ["held", "width", "error", "laws"]].tolist() == [0.75, 3.0, 2.0, 2]
    assert found.loc[(60, False), "held_error"] == pytest.approx(0.25, abs=1e-12)
    assert found.loc[(60, True), ["held", "width", "held_error"]].tolist() == [1.0, 1.5, 0.0]
