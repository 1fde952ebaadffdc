"""What 43 % and 74 % imply, against figures worked out elsewhere."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import betaln

from cxlink.study.implied_tenure import e_value, implied_tenure, shifted_beta_geometric_mean, weibull_mean
from cxlink.study.published import FOLDER


def printed(text: str) -> object:
    """A printed figure, right to half its last digit."""
    decimals = len(text.partition(".")[2])
    return pytest.approx(float(text), abs=0.5 * 10**-decimals)


@pytest.mark.parametrize(
    ("group", "exponential", "geometric", "with_current"),
    [
        ("1", "1.185", "0.754", "1.754"),
        ("9-10", "3.321", "2.846", "3.846"),
        ("needed", "0.846", "0.857", "0.833"),
    ],
)
def test_constant_loss_gives_three_years_never_six(
    group: str, exponential: str, geometric: str, with_current: str
) -> None:
    row = implied_tenure().constant.set_index("group").loc[group]
    assert row["exponential"] == printed(exponential)
    assert row["geometric"] == printed(geometric)
    assert row["geometric_with_current_year"] == printed(with_current)


@pytest.mark.parametrize(
    ("assumption", "parameter", "worst", "best"),
    [
        ("weibull", "0.745", "1.50", "6.0"),
        ("shifted_beta_geometric", "0.112", "1.39", "6.0"),
        ("shifted_beta_geometric_whole_years", "0.12", "0.99", "6.0"),
        ("shifted_beta_geometric_at_0.15", "0.15", None, "9.3"),
        ("shifted_beta_geometric_whole_years_at_0.15", "0.15", None, "8.9"),
    ],
)
def test_what_would_reconcile_the_figures(
    assumption: str, parameter: str, worst: str | None, best: str
) -> None:
    row = implied_tenure().reconciled.set_index("assumption").loc[assumption]
    assert row["value"] == printed(parameter)
    assert row["best_years"] == printed(best)
    if worst is not None:
        assert row["worst_years"] == printed(worst)


@pytest.mark.parametrize(
    ("contrast", "figure"),
    [
        ("risk_difference", "0.31"),
        ("risk_ratio", "1.721"),
        ("odds_ratio", "3.773"),
        ("hazard_ratio", "2.803"),
        ("e_value_retained", "2.83"),
        ("e_value_lost", "3.8"),
        ("e_value_hazard_ratio", "3.5"),
    ],
)
def test_contrasts_of_the_two_retentions(contrast: str, figure: str) -> None:
    assert implied_tenure().contrasts.set_index("contrast").loc[contrast, "value"] == printed(figure)


def test_every_computed_figure_of_the_table_on_file_is_recomputed() -> None:
    lines = (FOLDER / "kriss_2014_implied.csv").read_text(encoding="utf-8").splitlines()[1:]
    implied = implied_tenure()
    constant = implied.constant.set_index("group")
    reconciled = implied.reconciled.set_index("assumption")
    contrasts = implied.contrasts.set_index("contrast")["value"]
    for line in lines:
        quantity, assumption, group, text = line.split(",")[:4]
        if quantity == "retention_needed_for_six_years":
            found = constant.loc["needed", assumption]
        elif quantity == "common_parameter":
            found = reconciled.loc[assumption, "value"]
        elif quantity == "further_membership" and assumption in constant:
            found = constant.loc[group, assumption]
        elif quantity == "further_membership":
            found = reconciled.loc[assumption, {"1": "worst_years", "9-10": "best_years"}[group]]
        else:
            found = contrasts[f"e_value_{assumption}" if quantity == "e_value" else quantity]
        assert found == printed(text), line


@pytest.mark.parametrize(
    ("retention", "polarisation"), [(0.74, 0.112), (0.43, 0.15), (0.9, 0.01), (0.74, 0.1985)]
)
def test_shifted_beta_geometric_mean_is_the_integral_of_survival(
    retention: float, polarisation: float
) -> None:
    odds = (1 - polarisation) / polarisation
    alpha, beta = (1 - retention) * odds, retention * odds

    def survival(t: float) -> float:
        return float(np.exp(betaln(alpha, beta + t) - betaln(alpha, beta)))

    edges = [0, 1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7]
    body = sum(quad(survival, low, high)[0] for low, high in pairwise(edges))
    # S falls as t^−α from there on.
    tail = 1e7 * survival(1e7) / (alpha - 1)
    assert shifted_beta_geometric_mean(retention, polarisation) == pytest.approx(body + tail, rel=1e-5)


def test_shifted_beta_geometric_counts_whole_years_and_knows_when_it_has_no_mean() -> None:
    # φ = 0.2: α = 4·(1−r) = 1.2 and β = 2.8 at r = 0.7; Σ S = β/(α−1) = 14.
    assert shifted_beta_geometric_mean(0.7, 0.2, whole_years=True) == pytest.approx(14, rel=1e-10)
    assert shifted_beta_geometric_mean(0.8, 0.2) == np.inf


def test_a_weibull_of_shape_one_is_exponential_and_of_a_half_has_twice_the_square() -> None:
    assert weibull_mean(0.43, 1.0) == pytest.approx(-1 / np.log(0.43), rel=1e-10)
    # Γ(3)·(−ln r)^(−2)
    assert weibull_mean(0.74, 0.5) == pytest.approx(2 / np.log(0.74) ** 2, rel=1e-10)


def test_an_e_value_is_the_same_for_a_ratio_and_its_inverse() -> None:
    assert e_value(2.0) == pytest.approx(2 + np.sqrt(2), rel=1e-10)
    assert e_value(0.5) == pytest.approx(e_value(2.0), rel=1e-10)
    assert e_value(1.0) == 1.0
