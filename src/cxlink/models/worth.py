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
from scipy.sparse import coo_array, csr_array

from cxlink.cohort.spells import Spells
from cxlink.models.continued import Continued
from cxlink.models.curves import Mixture, Standard, mixtures
from cxlink.models.spend import CellMeans
from cxlink.models.steps import EXTINCT

INCLUDED, EXCLUDED = 0, 1


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What is asked.

    Attributes
    ----------
    standards : tuple of Standard
        The groups; their curves are pairs of level and stratum.
    horizon : int
        Periods over which value is counted.
    window : float
        Periods that the amounts were counted over.
    discount : float
        Of one period: an amount after t of them counts exp(−discount · t).
    given : tuple of int
        Periods already stayed, for residual value.
    paths : ndarray of shape (n_paths, n_groups)
        Combinations of groups whose value is wanted period by period, of customers new at the survey.
    resampled : bool ndarray of shape (n_groups,), optional
        Groups that are customers as they come, whose mix is resampled with them; that of the others is held fixed.
    """

    standards: tuple[Standard, ...]
    horizon: int
    window: float
    discount: float
    given: tuple[int, ...] = ()
    paths: np.ndarray | None = None
    resampled: np.ndarray | None = None

    @property
    def n_steps(self) -> int:
        """Periods of the clock that are needed."""
        latest = max((int(standard.entry.max(initial=0)) for standard in self.standards), default=0)
        return latest + max(self.horizon + max((0, *self.given)), int(np.ceil(self.window)))


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


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """A question as weights."""

    question: Question
    groups: tuple[Mixture, ...]
    spells: tuple[csr_array, ...]
    own: tuple[Mixture, ...]
    worth: np.ndarray
    exposure: np.ndarray
    paths: np.ndarray


def worth(
    curves: Continued,
    amounts: Mapping[str, Amount],
    question: Question,
    n_draws: int,
    rng: np.random.Generator,
) -> dict[str, Worth]:
    """Value amounts by group; all from one bootstrap of customers.

    Parameters
    ----------
    curves : Continued
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
    layout = _lay_out(curves.spells, question)
    log_survival = curves.log_survival[..., None]
    means = {name: np.nan_to_num(amount.cells.mean)[:, None] for name, amount in amounts.items()}
    made = {name: [values] for name, values in _valued(layout, log_survival, means).items()}
    shared, *own = rng.spawn(1 + len(amounts))
    for block, weights in curves.draws(n_draws, shared):
        influence = weights / curves.spells.n[:, None] - 1
        means_drawn = {
            name: _means(curves.spells, amount, amount.cells.scores @ influence, stream)
            for (name, amount), stream in zip(amounts.items(), own, strict=True)
        }
        shares = _shares(layout, weights, curves.spells.n)
        for name, values in _valued(layout, block, means_drawn, shares=shares).items():
            made[name].append(values)
    observed = _valued(layout, log_survival, means, unseen=_unseen(curves))
    return {name: _put(parts, observed[name]) for name, parts in made.items()}


def _lay_out(spells: Spells, question: Question) -> _Layout:
    span, groups = int(np.ceil(question.window)), mixtures(question.standards)
    paid = np.ones(span)
    paid[-1] -= span - question.window
    paths = np.zeros((0, len(question.standards))) if question.paths is None else question.paths
    return _Layout(
        question,
        groups,
        tuple(_spells_of(spells, part) for part in groups),
        mixtures(_own_entries(spells)),
        np.exp(-question.discount * np.arange(question.horizon + 1)),
        paid,
        paths,
    )


def _spells_of(spells: Spells, part: Mixture) -> csr_array:
    """Which spells, of the entry of a mixture, are of each of its curves: (n_used, n_spells)."""
    place = np.full(spells.n_pairs, -1)
    place[part.curves] = np.arange(len(part.curves))
    at = np.flatnonzero((spells.entry == part.entry) & (place[spells.pair] >= 0))
    shape = (len(part.curves), len(spells.n))
    return coo_array((np.ones(len(at)), (place[spells.pair[at]], at)), shape=shape).tocsr()


def _own_entries(spells: Spells) -> list[Standard]:
    """Each pair over the entries of its own customers with a complete window."""
    found = []
    for pair in range(spells.n_pairs):
        inside = (spells.pair == pair) & (spells.spend[:, 0] > 0)
        entry, at = np.unique(spells.entry[inside], return_inverse=True)
        n = np.bincount(at.ravel(), spells.spend[inside, 0], len(entry))
        found.append(Standard("", np.full(len(entry), pair), entry, n / max(n.sum(), 1.0), 0, 0))
    return found


def _since(log_survival: np.ndarray, part: Mixture, start: int, length: int) -> np.ndarray:
    """S(e + k + t) / S(e + k) of the curves of a mixture, t = 0, …, length: (n_used, length + 1, n_draws)."""
    first = part.entry + start
    piece = log_survival[part.curves, first : first + length + 1]
    ratio: np.ndarray = np.exp(piece - piece[:, :1])
    return ratio


def _sums(weight: np.ndarray, survival: np.ndarray) -> np.ndarray:
    """Σ w·S over the beginnings of periods, and over their ends: (n_used, 2, n_draws)."""
    n = survival.shape[1] - 1
    begin, end = weight[:n], weight[len(weight) - n :]
    return np.stack(
        [np.tensordot(begin, survival[:, :-1], (0, 1)), np.tensordot(end, survival[:, 1:], (0, 1))], axis=1
    )


def _shares(layout: _Layout, weights: np.ndarray, n: np.ndarray) -> list[np.ndarray] | None:
    """Resampled customers by those there are, of each curve of each mixture: (n_used, n_block)."""
    if layout.question.resampled is None or not layout.question.resampled.any():
        return None
    found = []
    for spells in layout.spells:
        there = (spells @ n)[:, None]
        found.append(np.where(there > 0, (spells @ weights) / np.maximum(there, 1), 1.0))
    return found


def _valued(
    layout: _Layout,
    log_survival: np.ndarray,
    means: Mapping[str, np.ndarray],
    *,
    unseen: np.ndarray | None = None,
    shares: Sequence[np.ndarray] | None = None,
) -> dict[str, tuple[np.ndarray, ...]]:
    """Value, rate and paths of each amount, for a block of draws (the last axis).

    ``unseen``, log of 0 where a step is not observed, is added to log S to count what is observed alone; ``shares``
    are as `_shares` gives them.
    """
    span = len(layout.exposure)
    exposure = sum(
        part.mixed(_sums(layout.exposure, _since(log_survival, part, 0, span))) for part in layout.own
    )
    counted = log_survival if unseen is None else log_survival + unseen
    # where all are lost at once, nothing is earned at the ends of periods: 0/0, or a tiny part of next to nothing
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        rates = {name: mean[:, None] / exposure for name, mean in means.items()}
        return {name: _of_groups(layout, counted, rate, shares) for name, rate in rates.items()}


def _of_groups(
    layout: _Layout, log_survival: np.ndarray, rates: np.ndarray, shares: Sequence[np.ndarray] | None
) -> tuple[np.ndarray, ...]:
    """Value, rate and paths of groups, from rates of shape (n_pairs, 2, n_block)."""
    question = layout.question
    n_groups, n_draws = len(question.standards), log_survival.shape[-1]
    value = np.zeros((n_groups, 1 + len(question.given), 2, n_draws))
    rate, total = np.zeros((n_groups, 1, n_draws)), np.zeros((n_groups, 1, n_draws))
    path = np.zeros((len(layout.paths), question.horizon, n_draws))
    for at, part in enumerate(layout.groups):
        m, share = rates[part.curves], None if shares is None else shares[at]
        for k, start in enumerate((0, *question.given)):
            piece = _since(log_survival, part, start, question.horizon)
            value[:, k] += _mixed(question, part, m * _sums(layout.worth, piece), share)
            if k == 0 and len(layout.paths):
                step = m[:, :1] * piece[:, :-1] * layout.worth[:-1, None]
                path += np.tensordot(layout.paths, part.mixed(step), axes=1)
        rate += _mixed(question, part, m[:, :1], share)
        total += _mixed(question, part, np.ones((len(part.curves), 1, n_draws)), share)
    return value / total[:, None], (rate / total)[:, 0], np.cumsum(path, axis=1)


def _mixed(question: Question, part: Mixture, values: np.ndarray, share: np.ndarray | None) -> np.ndarray:
    """Average over a mixture; groups that are resampled with their customers by the customers drawn."""
    fixed = part.mixed(values)
    if share is None or question.resampled is None:
        return fixed
    drawn = part.mixed(values * share[:, None])
    return np.where(question.resampled[:, None, None], drawn, fixed)


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


def _unseen(curves: Continued) -> np.ndarray:
    """Log of 1 while every step is observed, of 0 from the first on that is not: (n_pairs, n_steps + 1, 1)."""
    step = np.where(curves.observed, 0.0, EXTINCT)
    return np.pad(np.cumsum(step, axis=1), ((0, 0), (1, 0)))[..., None]


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
