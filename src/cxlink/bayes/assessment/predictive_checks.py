"""Posterior predictive checks: cohorts that the posterior would make, set beside the one that was counted."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from cxlink.checks import Check, Fact

FARTHEST = 0.005
_LEVEL = 0.95


def tail_probability(observed: np.ndarray, replicated: np.ndarray) -> np.ndarray:
    """Posterior predictive p-value: share of replicates above the observed value, ties counting half.

    Parameters
    ----------
    observed : ndarray of shape (n_groups,) or (n_draws, n_groups)
        The second where what is observed depends on the draw (Gelman, Meng & Stern 1996, Statistica Sinica 6:733).
    replicated : ndarray of shape (n_draws, n_groups)
        The same of a cohort made by each draw.

    Returns
    -------
    ndarray of shape (n_groups,)
    """
    share: np.ndarray = np.mean((replicated > observed) + 0.5 * (replicated == observed), axis=0)
    return share


def loss_checks(
    levels: Sequence[int],
    level: np.ndarray,
    at_risk: np.ndarray,
    lost: np.ndarray,
    hazard: Iterable[np.ndarray],
    *,
    rng: np.random.Generator,
) -> tuple[Check, ...]:
    """Compare losses by level with those of replicated cohorts with the same customers at risk.

    Parameters
    ----------
    levels : sequence of int
        Score levels.
    level : int ndarray of shape (n_rows,)
        Position of the level of each row: a level in a stratum (and cohort).
    at_risk, lost : ndarray of shape (n_rows, n_periods)
        Counts.
    hazard : iterable of ndarray of shape (n_block, n_rows, n_periods)
        Draws of the probability to leave in a period, in blocks, so that memory stays small.
    rng : Generator
        Advanced.

    Returns
    -------
    tuple of Check
        ``predicted_losses``: of all periods together; ``predicted_pattern``: of the chi-squared distance of losses by
        period and stratum from what each draw expects, for both.
    """
    members = np.eye(len(levels))[level]
    risk = at_risk.astype(np.int64)
    totals, distances, expected = [], [], []
    for block in hazard:
        made = rng.binomial(risk, block)
        totals.append(made.sum(axis=2) @ members)
        expected.append(_distance(lost, at_risk, block) @ members)
        distances.append(_distance(made, at_risk, block) @ members)
    seen = lost.sum(axis=1) @ members
    observed_groups = at_risk.sum(axis=1) @ members > 0
    names = [str(one) for one in levels]
    replicates = np.concatenate(totals)
    return (
        *_checks("predicted_losses", names, observed_groups, (seen, replicates)),
        *_patterns(names, observed_groups, np.concatenate(expected), np.concatenate(distances)),
    )


def _distance(lost: np.ndarray, at_risk: np.ndarray, hazard: np.ndarray) -> np.ndarray:
    """Σ (d − r·h)²/(r·h·(1 − h)) over periods, (n_block, n_rows)."""
    variance = at_risk * hazard * (1 - hazard)
    squared = (lost - at_risk * hazard) ** 2
    distance: np.ndarray = np.divide(squared, variance, out=np.zeros_like(squared), where=variance > 0).sum(
        axis=2
    )
    return distance


def _patterns(
    names: Sequence[str], observed_groups: np.ndarray, observed: np.ndarray, replicated: np.ndarray
) -> Iterator[Check]:
    tails = tail_probability(observed, replicated)
    for g in np.flatnonzero(observed_groups):
        tail = float(tails[g])
        facts = {"observed": float(observed[:, g].mean()), "replicated": float(replicated[:, g].mean())}
        yield Check(
            "predicted_pattern", "", names[int(g)], tail, bound=FARTHEST, passed=tail >= FARTHEST, facts=facts
        )


def spend_replicates(
    share: np.ndarray, amount: np.ndarray, shape: np.ndarray, n: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Replicate the sums of cells: spenders, Σy and Σy².

    Σy of n₊ customers is a gamma of shape n₊k. Their parts of it are a Dirichlet apart from it, whose squares add up to
    D; D is drawn from a gamma with its exact mean and variance.

    Parameters
    ----------
    share, amount : ndarray of shape (n_draws, n_cells)
        logit p and log m.
    shape : ndarray of shape (n_draws, n_cells)
        k.
    n : ndarray of shape (n_cells,)
        Customers.
    rng : Generator
        Advanced.

    Returns
    -------
    positive, total, squares : ndarray of shape (n_draws, n_cells)
    """
    positive = rng.binomial(n.astype(np.int64), 1 / (1 + np.exp(-share)))
    all_shapes = positive * shape
    total = np.where(positive > 0, rng.gamma(np.maximum(all_shapes, 1e-300)) * np.exp(amount) / shape, 0.0)
    mean, variance = _squared_parts(np.maximum(positive, 1), shape)
    drawn = rng.gamma(mean**2 / np.maximum(variance, 1e-300)) * variance / mean
    parts = np.where(variance > 1e-12 * mean**2, drawn, mean)
    return positive, total, parts * total**2


def _squared_parts(n: np.ndarray, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of Σ d² of a symmetric Dirichlet of n parts with parameter k."""
    whole = n * k
    mean = (k + 1) / (whole + 1)
    rising = whole * (whole + 1) * (whole + 2) * (whole + 3)
    fourth = n * k * (k + 1) * (k + 2) * (k + 3) + n * (n - 1) * (k * (k + 1)) ** 2
    return mean, np.maximum(fourth / rising - mean**2, 0.0)


def spend_checks(
    levels: Sequence[int],
    level: np.ndarray,
    observed: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    replicated: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> tuple[Check, ...]:
    """Posterior predictive checks of the share without spend, the mean and the variation of amounts, by level.

    Parameters
    ----------
    levels : sequence of int
        Score levels.
    level : int ndarray of shape (n_cells,)
        Position of each cell's level.
    observed : tuple of ndarray of shape (n_cells,)
        n, n₊, Σy and Σy².
    replicated : tuple of ndarray of shape (n_draws, n_cells)
        n₊, Σy and Σy² of `spend_replicates`.

    Returns
    -------
    tuple of Check
        ``predicted_zeros``, ``predicted_mean`` and ``predicted_spread``: the last of the coefficient of variation of
        positive amounts, which the model does not fit to; where it fails, amounts are no gamma, and intervals of
        means are too short (or too long) by about the ratio of the two.
    """
    members = np.eye(len(levels))[level]
    n, positive, total, squares = (values @ members for values in observed)
    again = [values @ members for values in replicated]
    names, observed_levels, spent = [str(one) for one in levels], n > 0, positive > 1
    size = np.maximum(n, 1)
    return (
        *_checks("predicted_zeros", names, observed_levels, (1 - positive / size, 1 - again[0] / size)),
        *_checks("predicted_mean", names, observed_levels, (total / size, again[1] / size)),
        *_checks(
            "predicted_spread", names, spent, (_variation(positive, total, squares), _variation(*again)),
        ),
    )  # fmt: skip


def _variation(positive: np.ndarray, total: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """√(n·Σy²/(Σy)² − 1); 0 without amounts."""
    ratio = np.divide(positive * squares, total**2, out=np.ones_like(total, dtype=float), where=total > 0)
    coefficient: np.ndarray = np.sqrt(np.maximum(ratio - 1, 0.0))
    return coefficient


def _checks(
    code: str, names: Sequence[str], observed_groups: np.ndarray, both: tuple[np.ndarray, np.ndarray]
) -> Iterator[Check]:
    observed, replicated = both
    tails = tail_probability(observed, replicated)
    ends = np.quantile(replicated, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2], axis=0)
    for g in np.flatnonzero(observed_groups):
        tail = float(tails[g])
        inside = FARTHEST <= tail <= 1 - FARTHEST
        facts: dict[str, Fact] = {
            "observed": float(observed[g]), "replicated_low": float(ends[0, g]), "replicated_high": float(ends[1, g]),
            "level": _LEVEL,
        }  # fmt: skip
        if code == "predicted_spread":
            facts["case"] = "inside" if inside else "short" if tail < FARTHEST else "long"
        yield Check(code, "", names[int(g)], tail, bound=FARTHEST, passed=inside, facts=facts)
