"""Random cohorts of every kind: each family fits them or says why not, and none fits worse than one it contains."""

import numpy as np
import pandas as pd
import pytest

from cxlink.checks import matching
from cxlink.cohort.count.spells import PersonPeriods
from cxlink.survival.families.fit import fit_all
from cxlink.survival.families.fitted import Fit, Unfitted

COHORTS = 1000
SOME = (*range(8), 9, 13, 15, 22)
_PER_CUSTOMER = 1e-6


def hazards(rng, n_periods):
    """A baseline of one of eight kinds, from constant to nothing and everything."""
    base = np.exp(rng.uniform(np.log(0.001), 0))
    t = np.arange(1, n_periods + 1)
    kind = rng.integers(0, 8)
    if kind == 0:
        return base * np.ones(n_periods)
    if kind in (1, 2):
        return base * t ** ((-1) ** kind * rng.uniform(0.1, 0.8))
    if kind == 3:
        return base * np.where(t % 12 == 0, 5, 1)
    if kind == 4:
        return base * np.exp(-t / rng.uniform(2, 20))
    if kind == 5:
        return np.where(rng.uniform(size=n_periods) < 0.5, 0, base)
    if kind == 6:
        return np.full(n_periods, float(rng.uniform() < 0.5))
    return base * rng.gamma(1, 1, n_periods)


def random_cohort(seed):
    """20 to 10⁷ customers, 1 to 60 periods, 1 to 10 levels, some of them empty; late entry in three of ten."""
    rng = np.random.default_rng([4, seed])
    n = int(np.exp(rng.uniform(np.log(20), np.log(1e7))))
    n_periods, n_levels = int(rng.integers(1, 61)), int(rng.integers(1, 11))
    hazard = hazards(rng, n_periods)
    effect = np.exp(rng.normal(0, 0.6, n_levels))
    sizes = rng.multinomial(n, rng.dirichlet(np.ones(n_levels) * rng.choice([0.2, 1, 5])))
    if rng.uniform() < 0.2:
        empty = rng.integers(n_levels)
        sizes[empty] *= sizes.sum() == sizes[empty]
    late = rng.uniform() < 0.3
    at_risk, lost = np.zeros((2, n_levels, n_periods), int)
    for level in range(n_levels):
        at_once = np.r_[sizes[level], np.zeros(n_periods - 1, int)]
        entries = rng.multinomial(sizes[level], np.ones(n_periods) / n_periods) if late else at_once
        censored = rng.uniform(0, 0.1) * (rng.uniform() < 0.7)
        there = 0
        for k in range(n_periods):
            there += entries[k]
            at_risk[level, k] = there
            lost[level, k] = rng.binomial(there, min(1, hazard[k] * effect[level]))
            there -= lost[level, k]
            there -= rng.binomial(there, censored)
    kept = np.flatnonzero(at_risk.sum(axis=1) > 0)
    levels = np.arange(len(kept))
    return PersonPeriods(
        tuple(int(k) + 1 for k in kept),
        pd.DataFrame(index=range(1)),
        levels,
        np.zeros_like(levels),
        at_risk[kept],
        lost[kept],
    )


def wrong_with(periods):
    """What is not as it should be, as short texts."""
    fits = fit_all(periods)
    n_periods = int((periods.lost.sum(axis=0) > 0).sum())
    for one in fits:
        needed = len(one.family.parameters)
        able = n_periods >= 1 if needed == 1 else n_periods > needed
        if able != isinstance(one, Fit):
            yield f"{one.family.name}: fitted or refused, against the rule"
        if isinstance(one, Unfitted):
            if one.reason not in ("nobody_lost", "few_periods"):
                yield f"{one.family.name}: no reason"
            continue
        yield from ill(one)
    yield from nested({one.family.name: one for one in fits if isinstance(one, Fit)}, periods)


def ill(one):
    name = one.family.name
    if not (one.converged or one.at_bound or one.penalised):
        yield f"{name}: gradient {one.gradient_norm:.1e}"
    if one.penalised and not matching(one.checks, code=("separated", "hardly_bounded")):
        yield f"{name}: a penalty that is not named"
    numbers = (one.log_likelihood, one.estimate, one.covariance, one.draws(50, np.random.default_rng(1)))
    if not all(np.isfinite(number).all() for number in numbers):
        yield f"{name}: not finite"
    if np.linalg.eigvalsh(one.covariance).min() < -1e-8 * np.abs(one.covariance).max():
        yield f"{name}: a covariance that is none"


def nested(fits, periods):
    """Families that do worse than one they contain; a penalty moves the estimate off the likelihood's top."""
    n = periods.at_risk.max(axis=1).sum()
    for one in fits.values():
        for inner in one.family.contains:
            other = fits.get(inner.name)
            if other is None or (inner.one_group and len(periods.levels) > 1):
                continue
            gap = other.log_likelihood - one.log_likelihood
            if gap > _PER_CUSTOMER * n and not (one.penalised or other.penalised):
                yield f"{one.family.name} under {inner.name} by {gap:.2g} for {n} customers"


@pytest.mark.long
@pytest.mark.parametrize("seed", SOME)
def test_every_family_fits_or_says_why_not(seed):
    assert list(wrong_with(random_cohort(seed))) == []


@pytest.mark.slow
def test_no_fit_fails_in_a_thousand_cohorts():
    found = {seed: list(wrong_with(random_cohort(seed))) for seed in range(COHORTS)}
    assert {seed: wrong for seed, wrong in found.items() if wrong} == {}


def test_the_cohorts_are_of_every_kind():
    cohorts = [random_cohort(seed) for seed in range(200)]
    sizes = np.array([one.at_risk.max(axis=1).sum() for one in cohorts])
    assert sizes.min() < 50
    assert sizes.max() > 5e6
    assert {one.at_risk.shape[1] for one in cohorts} >= {1, 2, 60}
    shares = np.array([one.lost.sum() / one.at_risk.sum() for one in cohorts])
    assert (shares == 0).any()
    assert (shares == 1).any()
    assert any((np.diff(one.at_risk, axis=1) > 0).any() for one in cohorts)
