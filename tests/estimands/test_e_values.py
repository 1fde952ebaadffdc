"""E-values: published values, laws, and the rows beside the headline."""

import numpy as np
import pandas as pd
import pytest
from check_fields import check_fields
from scipy.sparse import csr_array

from cxlink.checks import Check
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort
from cxlink.estimands.e_values import e_value, e_value_findings, e_value_row, limit_nearer_one
from cxlink.estimands.headline import headline
from cxlink.estimands.tidy import row, select, tidy
from cxlink.groups.headline_requests import curve_requests
from cxlink.report.check_notes import note
from cxlink.sensitivity.sensitivity_analyses import sensitivity_of_headline
from cxlink.survival.kaplan_meier import kaplan_meier


def counted(rows: pd.DataFrame, *adjust: str) -> Counts:
    """Counts of rows with ``score`` from 1 to 5, ``months``, ``lost`` and the adjustment columns; 6 months on."""
    spec = {
        "score": {"column": "score", "scale": "1-5", "worst": [1], "best": [4, 5]},
        "subscription": {"duration": "months", "event": "lost"},
        "adjust": {"columns": adjust}, "analysis": {"horizon": 6, "tenure_horizons": (8,), "draws": 300},
    }  # fmt: skip
    return read_cohort(rows, make_spec(spec)).count()


@pytest.mark.parametrize(
    ("ratio", "published"),
    [(3.9, 7.26), (1.8, 3.0)],
)
def test_the_values_that_were_published(ratio: float, published: float) -> None:
    # VanderWeele & Ding (2017): a risk ratio of 3.9 (1.8 to 8.7); half the last digit
    assert e_value(ratio) == pytest.approx(published, abs=0.005)


@pytest.mark.parametrize("ratio", [1.0, 1.0001, 1.5, 4.0, 300.0])
def test_a_ratio_and_its_inverse_have_one_and_its_bias_is_the_ratio(ratio: float) -> None:
    found = e_value(ratio)
    assert e_value(1 / ratio) == pytest.approx(found, rel=1e-10)
    # the most that a confounder of strength E on both sides can make of no association: E·E / (E + E − 1)
    assert found**2 / (2 * found - 1) == pytest.approx(ratio, rel=1e-10)
    assert found >= ratio >= 1


def test_a_side_of_nothing_needs_an_endless_confounder_and_a_negative_ratio_has_none() -> None:
    assert e_value(0.0) == np.inf
    assert e_value(np.inf) == np.inf
    with pytest.raises(ValueError, match=r"a ratio of -2 has no E-value: it is negative"):
        e_value(-2.0)


@pytest.mark.parametrize(
    ("low", "high", "limit"),
    [(1.2, 3.0, 1.2), (0.2, 0.7, 0.7), (0.8, 1.3, 1.0), (1.0, 2.0, 1.0), (np.nan, 2.0, np.nan)],
)
def test_the_limit_nearer_one(low: float, high: float, limit: float) -> None:
    assert limit_nearer_one(low, high) == pytest.approx(limit, abs=0, nan_ok=True)


def test_negative_ratios_have_no_row_but_a_reason() -> None:
    keys = {"model": "means", "group": "best", "reference": "worst", "headline": True}
    shown = row("spend_ratio", -0.4, np.array([-0.5, -0.3]), 0.95, "ratio", **keys)
    assert list(e_value_row(shown, "")) == []
    (found,) = e_value_findings(tidy([shown]))
    facts = {"case": "negative", "reference": "worst"}
    assert check_fields(found) == check_fields(Check("e_value", "means", "best", -0.4, facts=facts))
    assert "because of refunds" in note(found)


def test_rows_stand_beside_the_headline_at_the_estimate_and_at_the_limit() -> None:
    rng = np.random.default_rng(3)
    plan = rng.integers(0, 2, 1500)
    score = np.clip(np.rint(2.5 + plan + 1.2 * rng.standard_normal(1500)), 1, 5).astype(int)
    months = np.ceil(rng.exponential(5 * np.exp(0.3 * (score - 3) - 0.3 * plan))).astype(int)
    table = {"score": score, "months": np.minimum(months, 9), "lost": months <= 9, "plan": plan}
    counts = counted(pd.DataFrame(table), "plan")
    spec = counts.spec
    spells = spells_of(counts)
    rows, _ = headline(
        spells, counts, np.random.default_rng(7), lambda curves: sensitivity_of_headline(curves, counts, None)
    )
    estimates = tidy(rows)
    # the same draws, from the same seed
    none = csr_array((0, len(spells.n)))
    made = kaplan_meier(
        spells, curve_requests(spells, spec), 300, np.random.default_rng(7), horizon=6, scores=none
    )
    curves = made.curves[1]
    a, b = next(p for p in curves.contrasts if [curves.groups[g] for g in p] == ["best", "worst"])
    k = list(curves.times).index(6)
    for scenario, side in (("retained", lambda s: s), ("lost", lambda s: 1 - s)):
        ratio = side(curves.point[a, k]) / side(curves.point[b, k])
        draws = side(curves.draws[:, a, k]) / side(curves.draws[:, b, k])
        ends = np.quantile(draws, [0.025, 0.975], method="weibull")
        (found,) = select(estimates, estimand="e_value", scenario=scenario).to_dict("records")
        assert found["estimate"] == pytest.approx(e_value(ratio), rel=1e-10)
        limit = ends[0] if ends[0] > 1 else ends[1] if ends[1] < 1 else 1.0
        assert limit != 1.0
        assert found["conf_low"] == pytest.approx(e_value(limit), rel=1e-10)
        assert np.isnan([found["conf_high"], found["std_error"]]).all()
        same = select(estimates, estimand="retention_ratio", headline=True).iloc[0]
        for name in ("model", "group", "reference", "horizon", "adjusted", "n", "n_events"):
            assert found[name] == same[name]
    assert not select(estimates, estimand="e_value")["headline"].any()


def test_everybody_lost_on_one_side_is_honest() -> None:
    # nobody of the worst is left: retained at an infinite ratio, lost at 0.2
    cells = [(1, 3, 1)] * 40 + [(5, 6, 0)] * 40 + [(4, 2, 1)] * 10
    counts = counted(pd.DataFrame(cells, columns=["score", "months", "lost"]))
    made, _ = headline(
        spells_of(counts),
        counts,
        np.random.default_rng(1),
        lambda curves: sensitivity_of_headline(curves, counts, None),
    )
    table = tidy(made)
    values = select(table, estimand="e_value").set_index("scenario")
    assert values.loc["retained", "estimate"] == np.inf
    assert values.loc["lost", "estimate"] == pytest.approx(e_value(0.2), rel=1e-10)
    assert np.isfinite(values["conf_low"]).all()
    assert (values["conf_low"] >= 1).all()
    (found,) = e_value_findings(table)
    facts = {"case": "retained", "reference": "worst"}
    assert check_fields(found) == check_fields(Check("e_value", "kaplan_meier", "best", np.inf, facts=facts))
    assert note(found).startswith("being retained: one side is 0")
