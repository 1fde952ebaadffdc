"""Which cells make each curve that is asked for, where it is observed, and at which times groups are read off."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.sparse import coo_array, csr_array, eye_array

from cxlink.cohort.count.spells import Spells, each_pair, risk_sets
from cxlink.groups.curves import Standard
from cxlink.groups.discrete_hazard import EXTINCT, add_up, carried, hazards
from cxlink.groups.mixtures import Mixtures, mixtures
from cxlink.groups.requests import Request
from cxlink.groups.support import FEWEST_AT_RISK, last_with
from cxlink.survival.sparsity import is_sparse
from cxlink.survival.tails.continued_hazards import cells_of

_NOBODY = 1e-300


@dataclass(frozen=True, slots=True, eq=False)
class ContinuedPlan:
    """A request, laid out.

    Attributes
    ----------
    request : Request
        What is asked.
    pool : sparse matrix of shape (n_curves, n_pairs)
        Which pairs make each curve.
    member : sparse matrix of shape (n_curves, n_cells)
        Which cells.
    cells : int ndarray of shape (n_cells,)
        Which of all combinations of level and stratum they are.
    alone : bool
        Whether each curve is one cell.
    averages : Mixtures
        The groups.
    at_risk : int ndarray of shape (n_curves, n_periods)
        Of the data.
    hazard : ndarray of shape (n_curves, n_periods)
        Share lost of those at risk.
    observed : bool ndarray of shape (n_curves, n_periods)
        Whether a period is read off the curve: ten at risk, or nobody of the cohort censored.
    drawn : bool ndarray of shape (n_curves, n_periods)
        The same for draws: not of levels whose resampled curves would be too narrow.
    until : int ndarray of shape (n_groups,)
        Last time with ten at risk of each group.
    sparse : bool ndarray of shape (n_groups,)
        Groups with few losses or few survivors.
    """

    request: Request
    pool: csr_array
    member: csr_array
    cells: np.ndarray
    alone: bool
    averages: Mixtures
    at_risk: np.ndarray
    hazard: np.ndarray
    observed: np.ndarray
    drawn: np.ndarray
    until: np.ndarray
    sparse: np.ndarray


def lay_out_continued(spells: Spells, request: Request, horizon: int) -> ContinuedPlan:
    """Lay a request out.

    Parameters
    ----------
    spells : Spells
        The cohort.
    request : Request
        From `by_level`, `pooled` or `standardised`, its curves pairs or every combination of level and stratum.
    horizon : int
        At which sparse groups are identified, in periods.
    """
    pool, member = _curves(spells, request)
    at_risk, lost = (pool @ x for x in risk_sets(spells, each_pair(spells))(spells.n))
    observed = observed_steps(spells, at_risk)
    thin = thin_levels(spells, horizon)
    of_thin = pool @ thin[spells.level].astype(float) > 0
    members = tuple(pool.indices[a:b] for a, b in pairwise(pool.indptr))
    full = replace(request, members=members)
    return ContinuedPlan(
        request=request,
        pool=pool,
        member=member,
        cells=np.arange(member.shape[1]),
        alone=bool((np.diff(member.indptr) == 1).all()),
        averages=mixtures(request.standards),
        at_risk=at_risk,
        hazard=hazards(at_risk, lost),
        observed=observed,
        drawn=observed & ~of_thin[:, None],
        until=last_with(request.standards, at_risk, FEWEST_AT_RISK),
        sparse=np.array([is_sparse(spells, full, s, horizon) for s in request.standards], dtype=bool),
    )


def _curves(spells: Spells, request: Request) -> tuple[csr_array, csr_array]:
    """Pairs of each curve, (n_curves, n_pairs), and its cells, (n_curves, n_cells)."""
    cells, n_cells = cells_of(spells), len(spells.levels) * len(spells.strata)
    place = coo_array(
        (np.ones(len(cells), np.int64), (np.arange(len(cells)), cells)), shape=(len(cells), n_cells)
    )
    n_curves = max((int(s.curve.max()) + 1 for s in request.standards), default=0)
    if n_curves > len(request.members):
        return csr_array(place.T), csr_array(eye_array(n_cells, dtype=np.int64))
    pair = np.concatenate(request.members)
    curve = np.repeat(np.arange(len(request.members)), [len(pairs) for pairs in request.members])
    shape = (len(request.members), spells.n_pairs)
    pool = csr_array(coo_array((np.ones(len(pair), np.int64), (curve, pair)), shape=shape))
    return pool, csr_array(pool @ place)


def observed_steps(spells: Spells, at_risk: np.ndarray) -> np.ndarray:
    """Whether a period is read off a curve: ten at risk, or anybody where nobody of the cohort was censored.

    (Where the last few at risk are all lost, that is no sign that nobody stays for longer.)
    """
    complete = bool((spells.cause[spells.exit > spells.entry] > 0).all())
    enough: np.ndarray = at_risk >= (1 if complete else FEWEST_AT_RISK)
    return enough


def thin_levels(spells: Spells, horizon: int) -> np.ndarray:
    """Whether each level has few losses or few survivors."""
    members = tuple(np.flatnonzero(spells.level == at) for at in range(len(spells.levels)))
    request = Request({}, members, (), (), ())
    return np.array(
        [
            is_sparse(
                spells,
                request,
                Standard(str(at), np.array([at]), np.zeros(1, int), np.ones(1), 0, 0),
                horizon,
            )
            for at in range(len(spells.levels))
        ],
        dtype=bool,
    )


def of_first_contrast(plan: ContinuedPlan) -> ContinuedPlan | None:
    """The two groups of the first contrast alone, without rows of their own; None where nothing is contrasted."""
    if not plan.request.contrasts:
        return None
    sides = list(plan.request.contrasts[0])
    standards = [plan.request.standards[g] for g in sides]
    used = np.unique(np.concatenate([s.curve for s in standards]))
    moved = tuple(replace(s, curve=np.searchsorted(used, s.curve)) for s in standards)
    member = plan.member[used]
    cells = np.unique(member.indices)
    return replace(
        plan,
        request=replace(plan.request, standards=moved, own=(), contrasts=((0, 1),)),
        pool=plan.pool[used],
        member=csr_array(member[:, cells]),
        cells=plan.cells[cells],
        averages=mixtures(moved),
        at_risk=plan.at_risk[used],
        hazard=plan.hazard[used],
        observed=plan.observed[used],
        drawn=plan.drawn[used],
        until=plan.until[sides],
        sparse=plan.sparse[sides],
    )


def resampled_hazards(
    plan: ContinuedPlan, counted: tuple[np.ndarray, np.ndarray], last: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give Kaplan–Meier hazards of the curves in a block of draws, and those of its last draw.

    Parameters
    ----------
    plan : ContinuedPlan
        The curves.
    counted : (ndarray, ndarray)
        Customers at risk and lost by pair, each of shape (n_pairs, n_periods, n_block).
    last : ndarray of shape (n_curves, n_periods)
        Hazards of the draw before, which go on where a draw has nobody at risk.
    """
    at_risk, lost = ((plan.pool @ x.reshape(len(x), -1)).reshape(-1, *x.shape[1:]) for x in counted)
    filled, last = carried(hazards(at_risk, lost)[None], at_risk == 0, last[None])
    return filled[0], last[0]


def continued_log_survival(
    plan: ContinuedPlan,
    observed: np.ndarray,
    hazard: np.ndarray,
    cumulative: np.ndarray,
    customers: np.ndarray,
) -> np.ndarray:
    """Log S of each curve: observed steps where there are enough customers, otherwise those of the fitted hazards.

    Parameters
    ----------
    plan : ContinuedPlan
        The curves.
    observed : bool ndarray of shape (n_curves, n_periods)
        Which periods are observed.
    hazard : ndarray of shape (n_curves, n_periods, n_draws)
        Share lost of those at risk.
    cumulative : ndarray of shape (n_cells, n_steps + 1, n_draws)
        Fitted cumulative hazard; its first steps are the periods.
    customers : ndarray of shape (n_cells, n_draws)
        At time 0 in each cell, those who enter late counted with those whom they outlasted: what a curve of several
        cells goes on with is what is left of each.

    Returns
    -------
    ndarray of shape (n_curves, n_steps + 1, n_draws)
    """
    total = -cumulative[plan.member.indices] if plan.alone else _mixed(plan, cumulative, customers)
    step = np.diff(total, axis=1)
    n_periods = hazard.shape[1]
    with np.errstate(divide="ignore"):
        own = np.maximum(np.log1p(-hazard), EXTINCT)
    np.copyto(step[:, :n_periods], own, where=observed[:, :, None])
    add_up(step)
    total[:, 1:], total[:, 0] = step, 0.0
    return total


def _mixed(plan: ContinuedPlan, cumulative: np.ndarray, customers: np.ndarray) -> np.ndarray:
    """Log of what is left of several cells together, up to a constant: (n_curves, n_steps + 1, n_draws)."""
    least = cumulative.min(axis=0)
    left = least - cumulative
    np.exp(left, out=left)
    left *= customers[:, None]
    total = (plan.member @ left.reshape(len(left), -1)).reshape(-1, *left.shape[1:])
    log_left: np.ndarray = np.log(np.maximum(total, _NOBODY)) - least
    return log_left
