"""The small trial of late entry: its customers are as it says, and its figures are what a loop gives."""

import numpy as np
import pandas as pd
import pytest

from validation.late_entry_trial import CUSTOMERS, FOLLOWED, OLDEST, late_entrants, summary, trial


def test_customers_enter_late_and_few_are_at_risk_early() -> None:
    rows = pd.concat([late_entrants(seed) for seed in range(5)])
    assert len(rows) > 0.9 * 5 * CUSTOMERS
    assert rows["entry"].between(1, OLDEST).all()
    assert (rows["months"] >= rows["entry"]).all()
    assert (rows["seen"] - rows["entry"]).between(FOLLOWED[0] - 2, FOLLOWED[1]).all()
    at_risk = [((rows["entry"] < t) & (rows["months"] >= t)).sum() / 5 for t in (2, 20)]
    assert at_risk[0] < at_risk[1] / 2
    assert abs(np.corrcoef(rows["score"], rows["months"] - rows["entry"])[0, 1]) < 4 / np.sqrt(len(rows))


def test_figures_by_hand() -> None:
    found = pd.DataFrame({
        "estimate": [0.1, -0.1, 0.3], "std_error": [0.1, 0.2, 0.3], "conf_low": [-0.1, -0.3, 0.1],
        "conf_high": [0.3, 0.1, 0.5],
    })  # fmt: skip
    given = summary(found)
    assert given["bias"] == pytest.approx(0.1, abs=1e-12)
    assert given["bias_error"] == pytest.approx(0.2 / np.sqrt(3), abs=1e-12)
    assert given["held"] == pytest.approx(2 / 3, abs=1e-12)
    assert given["error_over_deviation"] == pytest.approx(1.0, abs=1e-12)


@pytest.mark.long
def test_retention_after_a_late_entry_is_not_biased() -> None:
    given = summary(trial(100))
    assert given["bias"] == pytest.approx(0, abs=4 * given["bias_error"])
    assert given["held"] == pytest.approx(0.95, abs=4 * np.sqrt(0.05 * 0.95 / 100))
