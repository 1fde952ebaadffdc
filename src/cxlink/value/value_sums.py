"""The sums behind values: a question as weights over curves and entries, and a block of draws put through it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array

from cxlink.cohort.count.spells import Spells
from cxlink.groups.curves import Mixture, Standard, mixtures
from cxlink.groups.discrete_hazard import EXTINCT
from cxlink.survival.splice import SplicedCurves

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
class ValueLayout:
    """A question as weights.

    Attributes
    ----------
    question : Question
        What is asked.
    groups : tuple of Mixture
        The groups, by entry.
    spells : tuple of sparse matrix of shape (n_used, n_spells)
        Of each of these, which spells are of each curve.
    own : tuple of Mixture
        Each pair over the entries of its own customers with a complete window.
    worth : ndarray of shape (horizon + 1,)
        exp(−discount · t).
    exposure : ndarray of shape (n_periods_of_the_window,)
        1, and for the last the part of it inside the window.
    paths : ndarray of shape (n_paths, n_groups)
        See `Question`.
    """

    question: Question
    groups: tuple[Mixture, ...]
    spells: tuple[csr_array, ...]
    own: tuple[Mixture, ...]
    worth: np.ndarray
    exposure: np.ndarray
    paths: np.ndarray


def lay_out(spells: Spells, question: Question) -> ValueLayout:
    """Lay a question out for the spells of a cohort."""
    span, groups = int(np.ceil(question.window)), mixtures(question.standards)
    paid = np.ones(span)
    paid[-1] -= span - question.window
    paths = np.zeros((0, len(question.standards))) if question.paths is None else question.paths
    return ValueLayout(
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


def resampled_shares(layout: ValueLayout, weights: np.ndarray, n: np.ndarray) -> list[np.ndarray] | None:
    """Give resampled customers by those there are, of each curve of each mixture: (n_used, n_block).

    Parameters
    ----------
    layout : ValueLayout
        Of the question.
    weights : ndarray of shape (n_spells, n_block)
        Resampled customers.
    n : ndarray of shape (n_spells,)
        Those there are.

    Returns
    -------
    list of ndarray, or None
        None where every group's mix is held fixed.
    """
    if layout.question.resampled is None or not layout.question.resampled.any():
        return None
    found = []
    for spells in layout.spells:
        there = (spells @ n)[:, None]
        found.append(np.where(there > 0, (spells @ weights) / np.maximum(there, 1), 1.0))
    return found


def valued(
    layout: ValueLayout,
    log_survival: np.ndarray,
    means: Mapping[str, np.ndarray],
    *,
    unseen: np.ndarray | None = None,
    shares: Sequence[np.ndarray] | None = None,
) -> dict[str, tuple[np.ndarray, ...]]:
    """Value, rate and paths of each amount, for a block of draws (the last axis).

    Parameters
    ----------
    layout : ValueLayout
        Of the question.
    log_survival : ndarray of shape (n_pairs, n_steps + 1, n_block)
        log S(t) of each pair on the clock.
    means : mapping of str to ndarray of shape (n_pairs, n_block)
        Of each amount over the window.
    unseen : ndarray of shape (n_pairs, n_steps + 1, 1), optional
        See `unseen_steps`: added to log S, to count what is observed alone.
    shares : sequence of ndarray, optional
        See `resampled_shares`.

    Returns
    -------
    dict of str to tuple of ndarray
        Value (n_groups, 1 + n_given, 2, n_block), rate (n_groups, n_block), paths (n_paths, horizon, n_block).
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
    layout: ValueLayout, log_survival: np.ndarray, rates: np.ndarray, shares: Sequence[np.ndarray] | None
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


def unseen_steps(curves: SplicedCurves) -> np.ndarray:
    """Give the log of 1 while every step is observed, of 0 from the first on that is not: (n_pairs, n_steps + 1, 1)."""
    step = np.where(curves.observed, 0.0, EXTINCT)
    return np.pad(np.cumsum(step, axis=1), ((0, 0), (1, 0)))[..., None]
