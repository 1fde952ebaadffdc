"""Arrays of requested curves, so that many draws are computed at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array, csr_array

from cxlink.cohort.count.spells import RiskSets, Spells, each_pair, risk_sets
from cxlink.groups.curves import Standard
from cxlink.groups.discrete_hazard import hazards
from cxlink.groups.mixtures import Mixtures, mixtures
from cxlink.groups.requests import Request
from cxlink.groups.support import FOREVER, censored_customers, known_until

_BLOCK = 1_500_000


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts customers at risk and lost by pair: of all losses, and of each competing cause."""

    all: RiskSets
    causes: tuple[RiskSets, ...]

    def __call__(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """At risk (n_pairs, n_periods, n_draws), and lost (1 + n_causes, n_pairs, n_periods, n_draws)."""
        at_risk, lost = self.all(weights)
        by_cause = [(cause.losses @ weights).reshape(lost.shape) for cause in self.causes]
        return at_risk, np.stack([lost, *by_cause]) if by_cause else lost[None]


@dataclass(frozen=True, slots=True)
class CurvePlan:
    """A request as arrays, from which many draws are computed at once.

    Attributes
    ----------
    request : Request
        The request, its averages entering after the periods already stayed.
    at_survey : tuple of Standard
        The same standards, entering at the survey.
    horizon : int
        Where incidence is given and draws are checked, in periods after entry.
    pool : sparse matrix of shape (n_curves, n_pairs)
        Which pairs make each curve.
    averages : Mixtures
        The groups, entering after the periods already stayed.
    at_risk : int ndarray of shape (n_curves, n_periods)
        Of the data; all periods.
    hazard : ndarray of shape (1 + n_causes, n_curves, n_needed)
        Of the data, in the periods that the request needs.
    known : int ndarray of shape (n_groups,)
        Last time after entry at which each group is estimable.
    last_few : bool ndarray of shape (n_curves, n_needed)
        Last periods of curves that are 0 on the evidence of few customers alone, see `known_until`.
    shift : int ndarray of shape (n_groups,)
        Entry of each group, where times count from signup; 0 otherwise.
    n_times : int
        Times after entry, from 0 on.
    read : int ndarray
        Those that are read off; every one where areas are.
    before_horizon : bool ndarray of shape (n_curves, n_needed)
        Periods between an entry and the horizon with customers at risk.
    """

    request: Request
    at_survey: tuple[Standard, ...]
    horizon: int
    pool: csr_array
    averages: Mixtures
    at_risk: np.ndarray
    hazard: np.ndarray
    known: np.ndarray
    last_few: np.ndarray
    shift: np.ndarray
    n_times: int
    read: np.ndarray
    before_horizon: np.ndarray

    @property
    def n_groups(self) -> int:
        """Reported groups."""
        return len(self.request.standards)

    @property
    def n_causes(self) -> int:
        """Competing causes whose incidence is wanted: none of those who have stayed for some time."""
        return 0 if self.request.given else len(self.hazard) - 1


def counter(spells: Spells) -> Counter:
    """Prepare to count by pair; competing causes are counted separately."""
    pairs, competing = each_pair(spells), len(spells.causes) > 1
    causes = tuple(risk_sets(spells, pairs, c + 1) for c in range(len(spells.causes)) if competing)
    return Counter(risk_sets(spells, pairs), causes)


def lay_out(spells: Spells, request: Request, horizon: int, count: Counter) -> CurvePlan:
    """Make the arrays of a request: the periods that it needs, and how far each group is estimable."""
    at_survey, pool = request.standards, _pool(request, spells.n_pairs)
    standards = tuple(replace(s, entry=s.entry + request.given) for s in at_survey)
    request = replace(request, standards=standards)
    at_risk, lost = (x[..., 0] for x in count(spells.n[:, None]))
    at_risk, lost = pool @ at_risk, np.stack([pool @ d for d in lost])
    known, few = known_until(standards, at_risk, lost[0], pool @ censored_customers(spells))
    first = np.array([s.entry.min() for s in standards], dtype=np.int64)
    latest = max((int(s.entry.max()) for s in standards), default=0)
    ends = np.where(known < FOREVER // 2, known, spells.n_periods - first)
    wanted = max([int(request.times.max()), *request.horizons])
    n_times = min(wanted, int(ends.max(initial=0))) + 1
    needed = min(latest + max(n_times - 1, horizon), spells.n_periods)
    return CurvePlan(
        request=request,
        at_survey=at_survey,
        horizon=horizon,
        pool=pool,
        averages=mixtures(standards),
        at_risk=at_risk,
        hazard=hazards(at_risk, lost)[..., :needed],
        known=known,
        last_few=_last_few(standards, few, at_risk, lost[0])[:, :needed],
        shift=first if request.since_signup else np.zeros_like(first),
        n_times=n_times,
        read=times_read(request, first if request.since_signup else np.zeros_like(first), n_times),
        before_horizon=_before_horizon(request, horizon, at_risk)[:, :needed],
    )


def some_groups(plan: CurvePlan, keep: np.ndarray) -> CurvePlan:
    """The same plan of some of its groups, without contrasts or rows of their own; its curves stay.

    Parameters
    ----------
    plan : CurvePlan
        The plan.
    keep : bool ndarray of shape (n_groups,)
        Groups that stay.
    """
    at = np.flatnonzero(keep)
    standards = tuple(plan.request.standards[g] for g in at)
    return replace(
        plan,
        request=replace(plan.request, standards=standards, own=(), contrasts=()),
        at_survey=tuple(plan.at_survey[g] for g in at),
        averages=mixtures(standards),
        known=plan.known[at],
        shift=plan.shift[at],
    )


def times_read(request: Request, shift: np.ndarray, n_times: int) -> np.ndarray:
    """Find which of the times 0, 1, … after entry a request is read off at.

    Parameters
    ----------
    request : Request
        Its times; where it has horizons, every one.
    shift : int ndarray of shape (n_groups,)
        What is taken off its times.
    n_times : int
        Times there are.
    """
    if request.horizons:
        return np.arange(n_times)
    return np.unique(np.clip(request.times - shift[:, None], 0, n_times - 1))


def _last_few(
    standards: Sequence[Standard], few: np.ndarray, at_risk: np.ndarray, lost: np.ndarray
) -> np.ndarray:
    """Periods in which the curves of some groups lost all who were left: (n_curves, n_periods)."""
    ended = (at_risk > 0) & (lost == at_risk) & (np.cumsum(at_risk[:, ::-1], axis=1)[:, ::-1] == at_risk)
    theirs = np.zeros(len(at_risk), dtype=bool)
    for standard, by_few in zip(standards, few, strict=True):
        theirs[standard.curve] |= by_few
    found: np.ndarray = ended & theirs[:, None]
    return found


def _pool(request: Request, n_pairs: int) -> csr_array:
    """Which pairs make each curve: shape (n_curves, n_pairs)."""
    pair = np.concatenate(request.members)
    curve = np.repeat(np.arange(len(request.members)), [len(pairs) for pairs in request.members])
    shape = (len(request.members), n_pairs)
    return coo_array((np.ones(len(pair), np.int64), (curve, pair)), shape=shape).tocsr()


def _before_horizon(request: Request, horizon: int, at_risk: np.ndarray) -> np.ndarray:
    """Periods between an entry and the horizon with customers at risk."""
    inside = np.zeros(at_risk.shape, dtype=bool)
    for standard in request.standards:
        for curve, entry in zip(standard.curve, standard.entry, strict=True):
            inside[curve, entry : entry + horizon] = True
    return inside & (at_risk > 0)


def block_size(spells: Spells, plans: Sequence[CurvePlan], n_draws: int) -> int:
    """Draws at a time: some 32 MB an array."""
    sizes = [plan.hazard.size for plan in plans] + [plan.n_groups * plan.n_times for plan in plans]
    counted = spells.n_pairs * spells.n_periods * (len(spells.causes) + 1)
    return int(np.clip(_BLOCK // max(len(spells.n), *sizes, counted if plans else 1), 10, n_draws))
