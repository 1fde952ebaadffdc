"""The sums behind values: a question as weights over curves and entries, and a block of draws put through it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array

from cxlink.cohort.count.spells import Spells
from cxlink.groups.curves import Standard
from cxlink.groups.retained import Scored, retained_shares, retained_weights

INCLUDED, EXCLUDED = 0, 1


@dataclass(frozen=True, slots=True, eq=False)
class ValueQuestion:
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
    paths : ndarray of shape (n_paths, n_groups), optional
        Combinations of groups whose value is wanted period by period, of customers new at the survey.
    own : bool ndarray of shape (n_groups,), optional
        Groups that are customers as they come, whose mix is resampled with them; that of the others is held fixed.
    scored : Scored, optional
        Whose mix the other groups share among those retained.
    shared : tuple of (int, int)
        Groups and references whose value, at the survey, is wanted with levels' extrapolation errors independent, and
        the same, as well.
    """

    standards: tuple[Standard, ...]
    horizon: int
    window: float
    discount: float
    given: tuple[int, ...] = ()
    paths: np.ndarray | None = None
    own: np.ndarray | None = None
    scored: Scored | None = None
    shared: tuple[tuple[int, int], ...] = ()

    def only(self, groups: Sequence[int]) -> "ValueQuestion":
        """Ask of some groups alone, and at the survey alone."""
        at = list(groups)
        own = None if self.own is None else self.own[at]
        standards = tuple(self.standards[g] for g in at)
        return replace(self, standards=standards, own=own, given=(), paths=None, shared=())

    @property
    def n_steps(self) -> int:
        """Periods since the time origin that are needed."""
        entries = [int(standard.entry.max(initial=0)) for standard in self.standards]
        if self.scored is not None:
            entries.append(int(self.scored.entry.max(initial=0)))
        return max(entries, default=0) + max(self.horizon + max((0, *self.given)), int(np.ceil(self.window)))

    @property
    def exposure(self) -> np.ndarray:
        """1 for each period of the window, and for the last the part of it inside the window."""
        exposure = np.ones(int(np.ceil(self.window)))
        exposure[-1] -= len(exposure) - self.window
        return exposure

    @property
    def factors(self) -> np.ndarray:
        """Discount factors exp(−discount · t), t = 0, 1, …, horizon."""
        factors: np.ndarray = np.exp(-self.discount * np.arange(self.horizon + 1))
        return factors


@dataclass(frozen=True, slots=True, eq=False)
class ValueSums:
    """Values of groups for a block of draws.

    Attributes
    ----------
    value : ndarray of shape (n_groups, 1 + n_given, 2, n_block)
        At the survey, and then for those who have stayed each of `given`; first margin included, and excluded.
    rate : ndarray of shape (n_groups, 1 + n_given, n_block)
        Margin of the next period at those times.
    path : ndarray of shape (n_paths, horizon, n_block)
        Value after 1, 2, … periods of the combinations asked for, first margin included.
    """

    value: np.ndarray
    rate: np.ndarray
    path: np.ndarray


def term_weights(
    spells: Spells, question: ValueQuestion, log_survival: np.ndarray, customers: np.ndarray | None = None
) -> list[list[np.ndarray]]:
    """Weights of the groups' terms at each start, draw by draw.

    Parameters
    ----------
    spells : Spells
        The cohort.
    question : ValueQuestion
        Which groups, and when they start.
    log_survival : ndarray of shape (n_pairs, n_steps + 1, n_block)
        log S(t) of each pair since the time origin.
    customers : ndarray of shape (n_spells, n_block), optional
        Resampled customers; those there are by default.

    Returns
    -------
    list of list of ndarray of shape (n_terms, n_block)
        At the survey, and at each of `given`: one for each group.
    """
    groups = question.standards
    own = np.zeros(len(groups), dtype=bool) if question.own is None else question.own
    first = [np.repeat(s.weight[:, None], log_survival.shape[-1], axis=1) for s in groups]
    if customers is not None and own.any():
        shares = _drawn_shares(spells, customers, groups)
        first = [_normalised(w * x) if mine else w for w, x, mine in zip(first, shares, own, strict=True)]
    found = [first]
    for given in question.given:
        retained = retained_shares(log_survival, given)
        shared = first if question.scored is None else retained_weights(groups, question.scored, retained)
        found.append([
            _normalised(w * retained(s.curve, s.entry)) if mine else same
            for s, w, mine, same in zip(groups, first, own, shared, strict=True)
        ])  # fmt: skip
    return found


def _drawn_shares(
    spells: Spells, customers: np.ndarray, standards: Sequence[Standard]
) -> Iterator[np.ndarray]:
    """Resampled customers by those there are, of each term that has any: (n_terms, n_block)."""
    step = int(spells.entry.max(initial=0)) + 1
    cells, at = np.unique(spells.pair * step + spells.entry, return_inverse=True)
    of_cell = coo_array((np.ones(len(at)), (at.ravel(), np.arange(len(at))))).tocsr()
    share = (of_cell @ customers) / np.bincount(at.ravel(), spells.n)[:, None]
    last = len(cells) - 1
    for standard in standards:
        yield share[np.minimum(np.searchsorted(cells, standard.curve * step + standard.entry), last)]


def _normalised(weights: np.ndarray) -> np.ndarray:
    total = weights.sum(axis=0)
    return weights / np.where(total > 0, total, 1.0)


def values_of(
    question: ValueQuestion,
    log_survival: np.ndarray,
    margins: np.ndarray,
    weights: Sequence[Sequence[np.ndarray]],
    until: np.ndarray | None = None,
) -> ValueSums:
    """Values of the groups, of one amount: Σ_t S(t)·E[margin of t | retained at t]·discount, over t = 0, …, h − 1.

    First margin excluded: over t = 1, …, h, the same margins (Gupta, Lehmann & Stuart 2004,
    doi 10.1509/jmkr.41.1.7.25084: m·r / (1 + d − r) at a constant retention r).

    Parameters
    ----------
    question : ValueQuestion
        What is asked.
    log_survival : ndarray of shape (n_pairs, n_steps + 1, n_block)
        log S(t) of each pair since the time origin.
    margins : ndarray of shape (n_pairs, n_steps + 1, n_block)
        Of each pair, retained at t.
    weights : sequence of sequence of ndarray
        See `term_weights`.
    until : int ndarray of shape (n_groups,), optional
        Last period after the survey whose margin is counted; by default none is left out.
    """
    groups, starts = question.standards, (0, *question.given)
    shape, n_draws = (len(groups), len(starts)), log_survival.shape[-1]
    value, rate = np.zeros((*shape, 2, n_draws)), np.zeros((*shape, n_draws))
    paths = np.zeros((0, len(groups))) if question.paths is None else question.paths
    path = np.zeros((len(paths), question.horizon, n_draws))
    for entry in np.unique(np.concatenate([s.entry for s in groups])) if groups else ():
        used = np.unique(np.concatenate([s.curve[s.entry == entry] for s in groups]))
        for k, start in enumerate(starts):
            amounts, margin = _amounts(question, log_survival[used], margins[used], int(entry) + start)
            sums = _summed(amounts, question.horizon)
            for g, standard in enumerate(groups):
                mine = standard.entry == entry
                rows, w = np.searchsorted(used, standard.curve[mine]), weights[k][g][mine]
                own = sums[rows] if until is None else _summed(amounts[rows], int(until[g]) - start)
                value[g, k] += np.einsum("kd,kcd->cd", w, own)
                rate[g, k] += np.einsum("kd,kd->d", w, margin[rows])
                if k == 0 and len(paths):
                    step = np.einsum("kd,ktd->td", w, amounts[rows, :-1])
                    path += paths[:, g, None, None] * step
    return ValueSums(value, rate, np.cumsum(path, axis=1))


def _amounts(
    question: ValueQuestion, log_survival: np.ndarray, margins: np.ndarray, start: int
) -> tuple[np.ndarray, np.ndarray]:
    """Discounted amounts per customer at t = 0, …, h from a start, (n_used, h + 1, n_block), and the first margin."""
    at = slice(start, start + question.horizon + 1)
    survival = np.exp(log_survival[:, at] - log_survival[:, start, None])
    return survival * margins[:, at] * question.factors[:, None], margins[:, start]


def _summed(amounts: np.ndarray, last: int) -> np.ndarray:
    """Sum amounts up to a period, the first included and excluded: (n_used, 2, n_block)."""
    end = max(last + 1, 0)
    return np.stack(
        [amounts[:, : min(end, amounts.shape[1] - 1)].sum(axis=1), amounts[:, 1:end].sum(axis=1)], axis=1
    )
