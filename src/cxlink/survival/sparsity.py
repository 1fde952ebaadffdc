"""Which groups a bootstrap of customers hardly varies, and how many customers their draws have added."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from cxlink.cohort.count.spells import Spells
from cxlink.groups.curves import Standard
from cxlink.groups.requests import Request

FEWEST = 10


@dataclass(frozen=True, slots=True)
class Added:
    """What is added to a group that a bootstrap hardly varies.

    Attributes
    ----------
    to_each : bool
        One customer to every curve of the group; otherwise one in all, spread over them by their weights.
    left : float
        Share of it that is retained at the horizon.
    """

    to_each: bool
    left: float


ONE_IN_ALL = Added(to_each=False, left=0.5)


def is_sparse(spells: Spells, request: Request, standard: Standard, horizon: int) -> bool:
    """Whether customers are added to a group, see `added_to`."""
    return added_to(spells, request, standard, horizon) is not None


def added_to(spells: Spells, request: Request, standard: Standard, horizon: int) -> Added | None:
    """What is added to a group; None where a bootstrap of its customers varies as it should.

    With fewer than ten losses or fewer than ten customers outlasting the horizon, one customer in all. Otherwise a
    curve of which nobody or everybody was lost is the same in every draw. Where the others vary by less than such
    curves would with a customer more, each curve gets one who is retained as often as the group's are: 0 and 8 of 8 are
    then uncertain, and draws stay where the estimate is.
    """
    gone, outlasting, weight = _lost_and_outlasting(spells, request, standard, horizon)
    if min(gone.sum(), outlasting.sum()) < FEWEST:
        return ONE_IN_ALL
    left = float(outlasting.sum() / (gone + outlasting).sum())
    vary, settled = (gone > 0) & (outlasting > 0), (gone > 0) != (outlasting > 0)
    binomial = gone[vary] * outlasting[vary] / (gone + outlasting)[vary] ** 3
    with_one = stats.beta(gone[settled] + 1 - left, outlasting[settled] + left).var()
    if weight[vary] ** 2 @ binomial >= weight[settled] ** 2 @ with_one:
        return None
    return Added(to_each=True, left=left)


def _lost_and_outlasting(
    spells: Spells, request: Request, standard: Standard, horizon: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Customers of each curve of a group lost by the horizon and outlasting it, and the curve's weight.

    Where the group was not followed that far, they are counted where its follow-up ends; under late entry, over all of
    its follow-up. Of those who have stayed for some time (the request's), from then on.
    """
    curves, at = np.unique(standard.curve, return_inverse=True)
    start = spells.entry + request.given
    inside = np.isin(spells.pair, pairs_of(request, standard)) & (spells.exit > start)
    pair, leave, lost = spells.pair[inside], spells.exit[inside], spells.cause[inside] > 0
    end = min(request.given + horizon, int(leave.max(initial=0)))
    gone, outlasting = lost & (leave <= end), (leave > end) | (~lost & (leave == end))
    if (standard.entry > request.given).any() or (spells.entry[inside] > 0).any():
        gone, outlasting = lost, ~lost
    by_pair = [np.bincount(pair, spells.n[inside] * those, spells.n_pairs) for those in (gone, outlasting)]
    by_curve = [np.array([n[request.members[curve]].sum() for curve in curves]) for n in by_pair]
    return by_curve[0], by_curve[1], np.bincount(at.ravel(), standard.weight, len(curves))


def pairs_of(request: Request, standard: Standard) -> np.ndarray:
    """The pairs of level and stratum that a group is made of."""
    return np.unique(np.concatenate([request.members[curve] for curve in np.unique(standard.curve)]))
