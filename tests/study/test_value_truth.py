"""Value against the truth of the built-in subscribers, which no family holds: fees differ by need, as does staying."""

import numpy as np
import pytest

from cxlink.cohort.count.spells import spells_of
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort
from cxlink.estimands.tidy import select, tidy
from cxlink.study.population import subscription
from cxlink.study.simulate import simulate
from cxlink.study.truth import cell_survival, weights
from cxlink.value.customer_value import value_results

GROUPS = {"worst": (1,), "best": (9, 10)}


def true_value(levels: tuple[int, ...], months: int) -> float:
    """Σ share · fee · Σ S(t) · 1.1^(−t/12), exactly."""
    decay = 1.1 ** (-np.arange(months) / 12)
    fee = subscription().fee[:, None]
    return float((weights(levels, "standardised") * fee * (cell_survival()[:, :, :months] @ decay)).sum())


@pytest.mark.slow
def test_value_over_three_years_is_found_with_honest_errors() -> None:
    """A third of it is extrapolated. The mean error over eight cohorts stays within four of its standard errors."""
    errors = {name: [] for name in (*GROUPS, "difference")}  # type: dict[str, list[float]]
    for seed in range(8):
        made = simulate("subscription", 20_000, 500 + seed)
        spec = make_spec({**made.spec, "value": {"margin": 1.0}, "analysis": {"draws": 200}})
        counts = read_cohort(made.table, spec).count()
        spells = spells_of(counts)
        rows, _ = value_results(spells, counts, np.random.default_rng(seed))
        table = select(tidy(rows), adjusted="standardised", scenario="", given=0)
        for name, levels in GROUPS.items():
            shown = select(table, estimand="value", group=name).iloc[0]
            assert 0.1 < shown["extrapolated"] < 0.5
            errors[name].append((shown["estimate"] - true_value(levels, 36)) / shown["std_error"])
        shown = select(table, estimand="value_difference", group="best", reference="worst").iloc[0]
        truth = true_value(GROUPS["best"], 36) - true_value(GROUPS["worst"], 36)
        errors["difference"].append((shown["estimate"] - truth) / shown["std_error"])
    for name, found in errors.items():
        assert abs(np.mean(found)) < 4 / np.sqrt(8), name
        assert 0.35 < np.sqrt(np.mean(np.square(found))) < 2, name
