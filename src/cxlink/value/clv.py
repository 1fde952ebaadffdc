"""What customers are worth: amounts earned while they stay, discounted, with retention and spend drawn together.

Of each level and stratum, with S(t) the share still there after t periods and M the mean over the window of W periods,

    V = m · Σ_t S(t) (1 + d)^(−t/p),   m = M / Σ_{t in the window} S(t),   p periods a year,

m being what a period *as a customer* brings: M holds the zeros of those who left, and times S(t) as it stands leaving
would count twice. Both sums run over the beginnings of periods (t = 0, …, h − 1 and 0, …, W − 1: the first margin
included) or over their ends (t = 1, …, h and 1, …, W: excluded). Reported groups are averages of these products over
levels and strata: multiplied first, as who pays more may stay longer. Gupta, Lehmann & Stuart (2004),
doi 10.1509/jmkr.41.1.7.25084.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cxlink.cohort.count.spells import Spells
from cxlink.spend.means import CellMeans
from cxlink.survival.splice import SplicedCurves
from cxlink.value.value_sums import INCLUDED, Question, lay_out, resampled_shares, unseen_steps, valued


@dataclass(frozen=True, slots=True, eq=False)
class Amount:
    """Sums of an amount over the window, as means of pairs.

    Attributes
    ----------
    cells : CellMeans
        Of each pair of level and stratum.
    usual : float
        What customers who brought anything brought on average: what a level where nobody did would, times a share
        drawn from Beta(½, n + ½).
    """

    cells: CellMeans
    usual: float


@dataclass(frozen=True, slots=True, eq=False)
class Worth:
    """Value of an amount by group, with draws; NaN where it is not known.

    Attributes
    ----------
    point : ndarray of shape (n_groups, 1 + n_given, 2)
        At the survey, and then for those who have stayed each of `given`; first margin included, and excluded.
    draws : ndarray of shape (n_draws, n_groups, 1 + n_given, 2)
        Draws of the same.
    beyond : ndarray of shape (n_groups, 1 + n_given)
        Share of the value, first margin included, that stands on a step which is not observed.
    rate : ndarray of shape (n_groups,)
        m: what a period as a customer brings, first margin included; averaged as the groups are.
    rate_draws : ndarray of shape (n_draws, n_groups)
        Draws of it.
    path : ndarray of shape (n_paths, horizon)
        Value after 1, 2, … periods of the combinations asked for, first margin included.
    path_draws : ndarray of shape (n_draws, n_paths, horizon)
        Draws of it.
    """

    point: np.ndarray
    draws: np.ndarray
    beyond: np.ndarray
    rate: np.ndarray
    rate_draws: np.ndarray
    path: np.ndarray
    path_draws: np.ndarray


def worth(
    curves: SplicedCurves,
    amounts: Mapping[str, Amount],
    question: Question,
    n_draws: int,
    rng: np.random.Generator,
) -> dict[str, Worth]:
    """Value amounts by group; all from one bootstrap of customers.

    Parameters
    ----------
    curves : SplicedCurves
        To at least `Question.n_steps`.
    amounts : mapping of str to Amount
        What is valued, by name.
    question : Question
        Of which groups, and how far ahead.
    n_draws : int
        Draws of each.
    rng : Generator
        Children of it are advanced.
    """
    layout = lay_out(curves.spells, question)
    log_survival = curves.log_survival[..., None]
    means = {name: np.nan_to_num(amount.cells.mean)[:, None] for name, amount in amounts.items()}
    made = {name: [values] for name, values in valued(layout, log_survival, means).items()}
    shared, *own = rng.spawn(1 + len(amounts))
    for block, weights in curves.draws(n_draws, shared):
        influence = weights / curves.spells.n[:, None] - 1
        means_drawn = {
            name: _means(curves.spells, amount, amount.cells.scores @ influence, stream)
            for (name, amount), stream in zip(amounts.items(), own, strict=True)
        }
        shares = resampled_shares(layout, weights, curves.spells.n)
        for name, values in valued(layout, block, means_drawn, shares=shares).items():
            made[name].append(values)
    observed = valued(layout, log_survival, means, unseen=unseen_steps(curves))
    return {name: _put(parts, observed[name]) for name, parts in made.items()}


def _means(spells: Spells, amount: Amount, influence: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mean, plus the bootstrap's influence of spells, plus noise within them: see `mean_spend`."""
    cells = amount.cells
    noise = rng.standard_normal(influence.shape) * np.sqrt(cells.within)[:, None]
    drawn: np.ndarray = np.nan_to_num(cells.mean[:, None] + influence + noise)
    for level in silent_levels(spells, cells):
        mine = spells.level == level
        n = cells.n[mine].sum()
        drawn[mine] = amount.usual * rng.beta(0.5, n + 0.5, influence.shape[1])
    return drawn


def silent_levels(spells: Spells, cells: CellMeans) -> np.ndarray:
    """Positions of levels in which nobody brought anything, though others did."""
    known = cells.n > 0
    loud = np.unique(spells.level[known & ~cells.spent_nothing])
    return np.setdiff1d(np.unique(spells.level[known]), loud)


def _put(parts: Sequence[tuple[np.ndarray, ...]], observed: tuple[np.ndarray, ...]) -> Worth:
    """Put estimate (the first part) and blocks of draws together."""
    value, rate, path = parts[0]
    blocks = [np.concatenate([block[i] for block in parts[1:]], axis=-1) for i in range(3)]
    point = value[..., 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        beyond = np.clip(1 - observed[0][..., INCLUDED, 0] / point[..., INCLUDED], 0.0, 1.0)
    return Worth(
        point,
        np.moveaxis(blocks[0], -1, 0),
        np.where(np.isnan(beyond), 0.0, beyond),
        rate[..., 0],
        np.moveaxis(blocks[1], -1, 0),
        path[..., 0],
        np.moveaxis(blocks[2], -1, 0),
    )
