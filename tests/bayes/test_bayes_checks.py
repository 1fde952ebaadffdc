"""What says whether a posterior can be relied on: chains, cells left out, replicated cohorts, power-scaling."""

from collections.abc import Iterator

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from cxlink.bayes.assessment.convergence import convergence, log_prior, prior_sensitivity, thinned
from cxlink.bayes.assessment.leave_one_out import loo_by_cell
from cxlink.bayes.assessment.predictive_checks import loss_checks, spend_replicates, tail_probability
from cxlink.bayes.priors import Prior
from cxlink.checks import Check
from cxlink.report.check_notes import note

CHAINS, DRAWS = 4, 500


def tree_of(
    draws: np.ndarray, *, diverging: int = 0, energy: np.ndarray | None = None, **more: np.ndarray
) -> xr.DataTree:
    """A tree of one variable of shape (chains, draws, n), and of others."""
    rng = np.random.default_rng(99)
    shape = draws.shape[:2]
    flags = np.zeros(shape, dtype=bool)
    flags.ravel()[:diverging] = True
    variables = {"theta": draws, **more}
    posterior = {
        name: (("chain", "draw", *(f"{name}_{k}" for k in range(values.ndim - 2))), values)
        for name, values in variables.items()
    }
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(posterior),
            "sample_stats": xr.Dataset(
                {
                    "diverging": (("chain", "draw"), flags),
                    "energy": (("chain", "draw"), rng.standard_normal(shape) if energy is None else energy),
                }
            ),
        }
    )


def settled(n: int = 3, chains: int = CHAINS) -> np.ndarray:
    return np.random.default_rng(1).standard_normal((chains, DRAWS, n))


def found(tree: xr.DataTree) -> dict[str, Check]:
    return {check.code: check for check in convergence(tree)}


def verdicts(tree: xr.DataTree) -> dict[str, bool | None]:
    return {name: check.passed for name, check in found(tree).items()}


GOOD = {"rhat": True, "ess_bulk": True, "ess_tail": True, "divergences": True, "bfmi": True}


def test_independent_draws_pass() -> None:
    checks = found(tree_of(settled()))
    assert {name: check.passed for name, check in checks.items()} == GOOD
    assert checks["rhat"].value == pytest.approx(1, abs=0.01)
    # of 2,000 independent draws; an effective size has an error of some per cent
    assert checks["ess_bulk"].value == pytest.approx(CHAINS * DRAWS, rel=0.15)
    assert checks["bfmi"].value == pytest.approx(2, abs=0.3)  # Var(ΔE)/Var(E) of independent energies
    assert {name: check.bound for name, check in checks.items()} == {
        "rhat": 1.01, "ess_bulk": 400, "ess_tail": 400, "divergences": 0, "bfmi": 0.3,
    }  # fmt: skip
    assert all("20-BA1221" in note(checks[name]) for name in ("rhat", "ess_bulk", "ess_tail"))
    assert "among 2\u202f000 draws" in note(checks["divergences"])


def test_a_chain_that_stays_elsewhere_fails() -> None:
    draws = settled()
    draws[3, :, 1] += 3.0
    checks = found(tree_of(draws))
    assert checks["rhat"].passed is False
    assert checks["rhat"].value > 1.3
    assert checks["ess_bulk"].passed is False
    assert checks["rhat"].facts["parameter"] == "theta"


def test_a_chain_of_another_spread_fails() -> None:
    """R-hat of the means alone would not see it; the folded one does (Vehtari et al. 2021)."""
    draws = settled()
    draws[3] *= 4.0
    assert found(tree_of(draws))["rhat"].passed is False


def test_draws_that_hang_together_have_too_few() -> None:
    draws = settled()
    for t in range(1, DRAWS):
        draws[:, t] = 0.97 * draws[:, t - 1] + np.sqrt(1 - 0.97**2) * draws[:, t]
    checks = found(tree_of(draws))
    # (1 − ρ)/(1 + ρ) of 2,000 draws are 30
    assert checks["ess_bulk"].value < 120
    assert checks["ess_bulk"].passed is False


def test_stuck_chains_fail() -> None:
    draws = settled()
    draws[2] = 0.3
    assert verdicts(tree_of(draws))["rhat"] is False
    each = np.broadcast_to(np.arange(CHAINS)[:, None, None], (CHAINS, DRAWS, 1)).astype(float)
    apart = verdicts(tree_of(np.concatenate([settled(), each], axis=2)))
    assert apart["rhat"] is False
    nothing = found(tree_of(np.zeros((CHAINS, DRAWS, 2))))
    assert [nothing[name].passed for name in ("rhat", "ess_bulk", "ess_tail")] == [False] * 3


def test_what_never_moves_by_construction_is_not_judged() -> None:
    reference = np.zeros((CHAINS, DRAWS, 2))
    assert verdicts(tree_of(settled(), reference=reference)) == GOOD


def test_one_chain_cannot_be_judged_by_others() -> None:
    checks = found(tree_of(settled(chains=1)))
    assert checks["rhat"].passed is False
    assert np.isnan(checks["rhat"].value)


def test_one_divergence_fails() -> None:
    checks = found(tree_of(settled(), diverging=1))
    assert (checks["divergences"].value, checks["divergences"].passed) == (1.0, False)


def test_energies_that_hardly_move_fail() -> None:
    slow = np.cumsum(np.random.default_rng(2).standard_normal((CHAINS, DRAWS)), axis=1)
    check = found(tree_of(settled(), energy=slow))["bfmi"]
    assert check.passed is False
    assert check.value < 0.1


def test_the_worst_variable_is_named() -> None:
    bad = settled()
    bad[0] += 5.0
    assert convergence(tree_of(settled(), bad=bad))[0].facts["parameter"] == "bad"


def test_thinning_keeps_every_chain() -> None:
    kept = thinned(tree_of(settled()), 300)
    assert dict(kept["posterior"].sizes)["chain"] == CHAINS
    assert CHAINS * dict(kept["posterior"].sizes)["draw"] <= 300
    assert dict(thinned(tree_of(settled()), 5_000)["posterior"].sizes)["draw"] == DRAWS


def test_log_priors_are_those_of_scipy() -> None:
    rng = np.random.default_rng(3)
    spread, slope = rng.gamma(2.0, 0.3, (2, 5)), rng.standard_normal((2, 5))
    steps = rng.dirichlet([2.0, 2.0, 2.0], (2, 5))
    tree = tree_of(slope[:, :, None], spread=spread, slope=slope, steps=steps)
    priors = {
        "spread": Prior("spread", "gamma", 0.6),
        "slope": Prior("slope", "normal", 1.5),
        "steps": Prior("steps", "dirichlet", 2.0),
    }
    expected = stats.gamma.logpdf(spread, 2.0, scale=0.3) + stats.norm.logpdf(slope, 0, 1.5)
    expected += np.array([[stats.dirichlet.logpdf(one, [2.0] * 3) for one in row] for row in steps])
    difference = log_prior(tree, priors) - expected
    # up to a constant
    assert difference == pytest.approx(difference.mean() * np.ones((2, 5)), abs=1e-10)


def conjugate(y: np.ndarray, sd: float, draws: int = 4_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draws of a mean with a normal prior of that sd, and the log densities of prior and cells."""
    precision = 1 / sd**2 + len(y)
    rng = np.random.default_rng(4)
    theta = y.sum() / precision + rng.standard_normal((CHAINS, draws // CHAINS)) / np.sqrt(precision)
    cells = stats.norm.logpdf(y, theta[:, :, None], 1.0)
    return theta, stats.norm.logpdf(theta, 0, sd), cells


def test_power_scaling_tells_a_strong_prior_from_a_weak_one() -> None:
    y = 2.0 + np.random.default_rng(5).standard_normal(20)
    said = {}
    for sd in (0.2, 50.0):
        theta, prior, cells = conjugate(y, sd)
        said[sd] = {
            c.code: c for c in prior_sensitivity({("best", "worst"): theta}, prior, cells.sum(axis=2))
        }
    assert said[0.2]["prior_sensitivity"].passed is False
    strong = said[0.2]["prior_sensitivity"]
    assert (strong.group, strong.bound) == ("best", 0.05)
    assert strong.facts == {"case": "conflict", "reference": "worst"}
    assert note(strong).endswith("prior–data conflict")
    assert said[50.0]["prior_sensitivity"].facts["case"] == "counts"
    assert said[50.0]["prior_sensitivity"].passed is True
    assert said[50.0]["prior_sensitivity"].value < 0.01
    assert said[50.0]["likelihood_sensitivity"].value > 0.05
    assert said[50.0]["likelihood_sensitivity"].passed is None


def test_power_scaling_says_where_the_counts_say_nothing() -> None:
    theta, prior, cells = conjugate(np.zeros(1), 0.05)
    checks = prior_sensitivity({("best", ""): theta}, prior, cells.sum(axis=2))
    assert checks[0].passed is False
    assert checks[0].facts == {"case": "priors", "reference": ""}


def left_out(y: np.ndarray, cell: int, sd: float) -> float:
    """Log density of one observation given the others, by hand."""
    precision = 1 / sd**2 + len(y) - 1
    mean = (y.sum() - y[cell]) / precision
    return float(stats.norm.logpdf(y[cell], mean, np.sqrt(1 + 1 / precision)))


def test_cells_are_left_out_as_by_hand_and_far_ones_by_fitting_anew() -> None:
    y = np.append(np.random.default_rng(6).standard_normal(11), 9.0)
    _, _, cells = conjugate(y, 10.0)
    asked: list[int] = []

    def refit(cell: int) -> np.ndarray:
        asked.append(cell)
        theta, _, _ = conjugate(np.delete(y, cell), 10.0, draws=400_000)
        found: np.ndarray = stats.norm.logpdf(y[cell], theta.ravel(), 1.0)
        return found

    found = loo_by_cell(cells, refit)
    assert 11 in asked
    assert asked == list(found.refitted)
    expected = np.array([left_out(y, cell, 10.0) for cell in range(12)])
    # weights of the far one have an sd of 38 times their mean: 0.06 of 400,000
    assert found.elpd == pytest.approx(expected, abs=0.24)
    # importance sampling from 4,000 draws; its largest weights are those of the next-farthest, 3.5 from the mean
    assert np.abs(np.delete(found.elpd - expected, found.refitted)).max() < 0.06
    assert found.total == pytest.approx(found.elpd.sum(), rel=1e-12)
    assert found.std_error == pytest.approx(np.sqrt(12) * np.std(found.elpd, ddof=1), rel=1e-12)


def test_no_refit_where_cells_are_small() -> None:
    y = np.random.default_rng(7).standard_normal(40)
    _, _, cells = conjugate(y, 10.0)

    def never(cell: int) -> np.ndarray:
        raise AssertionError(f"cell {cell} was refitted")

    found = loo_by_cell(cells, never)
    assert found.refitted.size == 0
    # the mean of a normal sample is one parameter; p is it times the mean squared residual
    assert found.p == pytest.approx(1.0, abs=0.5)


def test_tail_probability_by_hand() -> None:
    replicated = np.array([[1, 5], [2, 5], [3, 5], [4, 6]])
    assert tail_probability(np.array([2, 5]), replicated) == pytest.approx([0.625, 0.625], abs=1e-12)


def blocks(hazard: np.ndarray, n_draws: int = 400) -> Iterator[np.ndarray]:
    for _ in range(4):
        yield np.broadcast_to(hazard, (n_draws // 4, *hazard.shape)).copy()


def losses_said(hazard: np.ndarray, claimed: np.ndarray) -> dict[tuple[str, str], Check]:
    rng = np.random.default_rng(8)
    level = np.array([0, 0, 1, 2])
    at_risk = np.zeros(hazard.shape)
    lost = np.zeros(hazard.shape)
    left = np.array([2_000, 1_500, 1_800, 0])
    for t in range(hazard.shape[1]):
        at_risk[:, t] = left
        lost[:, t] = rng.binomial(left, hazard[:, t])
        left = left - lost[:, t].astype(int)
    checks = loss_checks((1, 2, 3), level, at_risk, lost, blocks(claimed), rng=rng)
    return {(check.code, check.group): check for check in checks}


def test_losses_of_a_true_model_pass_and_nobody_at_risk_is_not_judged() -> None:
    hazard = np.full((4, 6), 0.05)
    said = losses_said(hazard, hazard)
    assert {group for _, group in said} == {"1", "2"}
    assert all(check.passed for check in said.values())
    assert all(0.01 < check.value < 0.99 for check in said.values())
    # two strata and six periods: a chi-squared of 12, ±0.24 for the mean of 400
    assert said["predicted_pattern", "1"].facts["replicated"] == pytest.approx(12, abs=1)


def test_losses_of_a_wrong_level_and_of_a_wrong_pattern_are_found() -> None:
    truth = np.full((4, 6), 0.05)
    claimed = truth.copy()
    claimed[2] = 0.08
    said = losses_said(truth, claimed)
    assert said["predicted_losses", "1"].passed
    assert said["predicted_losses", "2"].passed is False
    assert said["predicted_losses", "2"].value > 0.995
    falling = np.tile(np.array([0.11, 0.07, 0.05, 0.03, 0.02, 0.015]), (4, 1))
    said = losses_said(falling, np.full((4, 6), 0.0525))
    assert said["predicted_pattern", "1"].passed is False
    assert said["predicted_pattern", "1"].value < 0.005


def test_sums_made_anew_have_the_law_of_customers() -> None:
    rng = np.random.default_rng(9)
    n, k, mean, share, n_draws = np.array([0, 1, 2, 40]), 0.7, 3.0, 0.8, 40_000
    shape = (n_draws, 4)
    logit = np.full(shape, np.log(share / (1 - share)))
    positive, total, squares = spend_replicates(
        logit, np.full(shape, np.log(mean)), np.full(shape, k), n, rng
    )
    expected = []
    for size in n:
        spent = rng.random((n_draws, size)) < share
        y = np.where(spent, rng.gamma(k, mean / k, (n_draws, size)), 0.0)
        expected.append((spent.sum(axis=1), y.sum(axis=1), (y**2).sum(axis=1)))
    for c in range(4):
        for made, simulated in zip((positive, total, squares), expected[c], strict=True):
            one, other = made[:, c], simulated
            error = np.sqrt((one.var() + other.var()) / n_draws)
            assert abs(one.mean() - other.mean()) <= 4 * error
    # a gamma of Σ d² has its variance: that of Σy² of forty customers is the customers'
    assert squares[:, 3].std() == pytest.approx(expected[3][2].std(), rel=0.06)
    assert np.all(squares[:, 1] == pytest.approx(total[:, 1] ** 2, rel=1e-9))
    assert not total[:, 0].any()
    ratio = squares[:, 2] / np.where(total[:, 2] > 0, total[:, 2], 1.0) ** 2
    assert ratio[positive[:, 2] == 2].mean() == pytest.approx((k + 1) / (2 * k + 1), abs=0.01)
