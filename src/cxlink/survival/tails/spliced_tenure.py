"""Survival and expected tenure: observed while ten are at risk, then by hazards of each stratum, with their error.

Of each curve the steps of Kaplan–Meier stand where ten customers are at risk; from there on
S(t) = S(end)·exp(−Σ hazards), the hazards of its level and stratum as `cxlink.survival.tails.tail_fit` has them. Beyond
T they are multiplied by e^δ, as `cxlink.survival.tails.extrapolation_error` draws it. Curve and hazards are drawn from
the same customers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.sparse import coo_array
from threadpoolctl import threadpool_limits

from cxlink.cohort.count.spells import Spells, each_pair, risk_sets
from cxlink.groups.requests import Request
from cxlink.survival.anchors.anchoring import repeated_streams
from cxlink.survival.bootstrap import resample
from cxlink.survival.families.time_grid import Grid
from cxlink.survival.families.waning import waned
from cxlink.survival.survival import Survival
from cxlink.survival.tails.continued_hazards import ContinuedHazards, cells_of
from cxlink.survival.tails.curve_plan import (
    ContinuedPlan,
    continued_log_survival,
    lay_out_continued,
    of_first_contrast,
    resampled_hazards,
)
from cxlink.survival.tails.curve_readings import curve_readings
from cxlink.survival.tails.extrapolation_error import Errors
from cxlink.survival.tails.group_readings import (
    lagged_survival,
    read_retained,
    reading_grid,
    spliced_survival,
)
from cxlink.survival.tails.tails import Tails, tails_of

_BLOCK = 2_000_000
_MOST = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class Further:
    """What is asked beside survival and its areas.

    Attributes
    ----------
    discount : float
        Of one period: future time counts exp(−discount · periods).
    waning : tuple of int
        Periods by which differences between scores are gone, one scenario each.
    share : ndarray of shape (n_groups,)
        By request: of each single level in all customers, whose hazard differences wane to. Needed for ``waning``.
    given : tuple of int
        Periods already stayed, for remaining tenure: `Survival.later`.
    lags : tuple of (int, int)
        Periods already stayed, and periods from then on to which retention is wanted: `Survival.later` too.
    shared : bool
        Whether the first contrast is given with levels' errors uncorrelated, and the same, as well.
    """

    discount: float = 0.0
    waning: tuple[int, ...] = ()
    share: tuple[np.ndarray, ...] = ()
    given: tuple[int, ...] = ()
    lags: tuple[tuple[int, int], ...] = ()
    shared: bool = False


def spliced(
    spells: Spells,
    requests: Sequence[Request],
    n_draws: int,
    rng: np.random.Generator,
    *,
    horizon: int,
    errors: Errors | None = None,
    tails: Tails | None = None,
    further: Further | None = None,
) -> tuple[Survival, ...]:
    """Estimate survival and expected tenure of all requested groups, within and beyond follow-up.

    Parameters
    ----------
    spells : Spells
        The cohort.
    requests : sequence of Request
        From `by_level`, `pooled` or ``standardised(spells, spec, None)``, with the times and horizons that are wanted.
    n_draws : int
        Draws of each quantity.
    rng : Generator
        Children of it are advanced.
    horizon : int
        At which sparse groups are identified, in periods.
    errors : Errors, optional
        Constants of the extrapolation error; by default those of the published curves.
    tails : Tails, optional
        What continues curves, its own errors included; chosen and fitted by default.
    further : Further, optional
        Discounting, and scenarios.

    Returns
    -------
    tuple of Survival
        One for each request; each followed by its scenarios, where there are any.
    """
    bootstrap, noise, paths, choice = rng.spawn(4)
    tails, more = tails or tails_of(spells, choice, errors=errors), further or Further()
    jobs = [job for k, request in enumerate(requests) for job in _jobs(spells, request, horizon, more, k)]
    steps = _steps(jobs, spells.n_periods)
    drawn, structure = tails.drawn_errors(spells, n_draws, paths), tails.drawn_structures(n_draws)
    model, kept = ContinuedHazards(spells, tails.fit, *steps, drawn.paths, tails.others, structure), None
    if tails.anchoring is not None:
        streams = repeated_streams((spells, n_draws, _block(model, n_draws)), bootstrap, noise)
        several = drawn, lambda: tails.drawn_errors(spells, n_draws, paths)
        kept = tails.anchoring.draws(model, streams, several, paths, _scenarios(jobs))
        model = replace(model, paths=kept.paths)
    # many small products of matrices: threads of their own would wait for each other
    with threadpool_limits(1, "blas"):
        points = _estimates(model, jobs)
        draws = _draws(model, jobs, n_draws, (bootstrap, noise))
    if kept is not None:
        draws = [[room[kept.index] for room in rooms] for rooms in draws]
    made = zip(jobs, points, draws, strict=True)
    return tuple(survival for job, point, drawn in made for survival in job.survivals(point, drawn))


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """A request with one correlation of levels' errors, read off at the survey and given some periods stayed."""

    plan: ContinuedPlan
    grid: Grid
    discount: float
    scenario: str = ""
    given: tuple[int, ...] = ()
    lags: tuple[tuple[int, int], ...] = ()
    waning: tuple[int, ...] = ()
    share: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def read(self, log_survival: np.ndarray, nodes: np.ndarray) -> list[np.ndarray]:
        """Read the groups off curves, (n_draws, n_groups, n_times): at the survey, at each given, at each lag."""
        times, averages = self.grid.time, self.plan.averages
        starts = [(k, times) for k in self.given] + [(k, np.array([0.0, rest])) for k, rest in self.lags]
        last = int(self.grid.periods[-1] + averages.entries.max(initial=0)) + max(
            (0, *(k for k, _ in starts))
        )
        curves = curve_readings(log_survival, nodes, last)
        later = [read_retained(self.plan, curves, at, k) for k, at in starts]
        return [curves.averaged(averages, times), *later]

    def rooms(self, n_draws: int) -> list[np.ndarray]:
        """Space for what `read` gives."""
        widths = [len(self.grid.time)] * (1 + len(self.given)) + [2] * len(self.lags)
        return [np.empty((n_draws, len(self.plan.request.standards), width)) for width in widths]

    def survivals(self, point: list[np.ndarray], draws: list[np.ndarray]) -> Iterator[Survival]:
        """Its estimate and draws, as `read` gives them: as they are and waned."""
        n_starts = 1 + len(self.given)
        first, *later = (
            self._survival((a, b), self.scenario, given)
            for a, b, given in zip(point[:n_starts], draws[:n_starts], (0, *self.given), strict=True)
        )
        lagged = (
            lagged_survival(first, (a[0, :, 1], b[..., 1]), *lag)
            for a, b, lag in zip(point[n_starts:], draws[n_starts:], self.lags, strict=True)
        )
        yield replace(first, later=(*later, *lagged))
        for end in self.waning:
            less = [waned(s, self.grid.time, self.plan.until, self.share, end) for s in (point[0], draws[0])]
            yield self._survival((less[0], less[1]), f"waning={end}", 0)

    def _survival(self, parts: tuple[np.ndarray, np.ndarray], scenario: str, given: int) -> Survival:
        return spliced_survival(
            self.plan, self.grid, parts, discount=self.discount, scenario=scenario, given=given
        )


def _jobs(spells: Spells, request: Request, horizon: int, further: Further, k: int) -> Iterator[_Job]:
    plan = lay_out_continued(spells, request, horizon)
    grid = reading_grid(request.horizons, spells.n_periods, request.times)
    share = further.share[k] if further.waning else np.zeros(0)
    yield _Job(plan, grid, further.discount, "", further.given, further.lags, further.waning, share)
    two = of_first_contrast(plan) if further.shared else None
    if two is not None:
        yield from (_Job(two, grid, further.discount, f"shared={share}") for share in (0, 1))


def _steps(jobs: Sequence[_Job], n_periods: int) -> tuple[np.ndarray, np.ndarray]:
    """Begins and ends of steps since the time origin: whole periods with data, then those that are read off."""
    later = [
        job.grid.time + start
        for job in jobs
        for start in {
            0,
            *job.given,
            job.plan.averages.entries.max(initial=0) + max(job.given, default=0),
        }
    ]
    times = np.unique(np.concatenate([np.arange(n_periods + 1.0), *later]))
    times = times[(times >= n_periods) | (times == np.floor(times))]
    return times[:-1], times[1:]


def _nodes(model: ContinuedHazards) -> np.ndarray:
    return np.concatenate([model.begin[:1], model.end])


def _estimates(model: ContinuedHazards, jobs: Sequence[_Job]) -> list[list[np.ndarray]]:
    """Survival of the groups of each job, as it reads it, of one draw."""
    cumulative = model.estimate()
    customers = _customers(model, model.spells.n[:, None], cumulative)
    curves = [
        continued_log_survival(
            job.plan, job.plan.observed, job.plan.hazard[..., None], cumulative[job.plan.cells],
            customers[job.plan.cells],
        )
        for job in jobs
    ]  # fmt: skip
    return [job.read(log_s, _nodes(model)) for job, log_s in zip(jobs, curves, strict=True)]


def _draws(
    model: ContinuedHazards,
    jobs: Sequence[_Job],
    n_draws: int,
    streams: tuple[np.random.Generator, np.random.Generator],
) -> list[list[np.ndarray]]:
    """Survival of the groups of each job, as it reads it."""
    spells, (bootstrap, noise) = model.spells, streams
    count, gradients = risk_sets(spells, each_pair(spells)), model.gradients()
    rooms = [job.rooms(n_draws) for job in jobs]
    last = [job.plan.hazard for job in jobs]
    start = 0
    for weights in resample(spells, n_draws, _block(model, n_draws), bootstrap):
        at = slice(start, start + weights.shape[1])
        drawn, counted = model.drawn(weights, at, gradients, noise), count(weights)
        cumulative: dict[tuple[str, bytes], np.ndarray] = {}
        for job in jobs:
            if _key(job) not in cumulative:
                cumulative[_key(job)] = drawn.cumulated(job.scenario, job.plan.cells)
        customers = _customers(model, weights, cumulative[_key(jobs[0])]) if jobs else weights
        plan = None
        for k, job in enumerate(jobs):
            if job.plan is not plan:  # of scenarios of one request it is the same
                plan = job.plan
                hazard, last[k] = resampled_hazards(plan, counted, last[k])
            log_s = continued_log_survival(
                job.plan, job.plan.drawn, hazard, cumulative[_key(job)], customers[job.plan.cells]
            )
            for room, values in zip(rooms[k], job.read(log_s, _nodes(model)), strict=True):
                room[at] = values
        start = at.stop
    return rooms


def _block(model: ContinuedHazards, n_draws: int) -> int:
    """Draws at a time."""
    widest = len(model.fit.terms.matrix) * (len(model.begin) + 1)
    return int(np.clip(_BLOCK // widest, 10, n_draws))


def _scenarios(jobs: Sequence[_Job]) -> list[str]:
    """Scenarios of the error that jobs have, the main one first."""
    return list(dict.fromkeys(["", *(job.scenario for job in jobs)]))


def _key(job: _Job) -> tuple[str, bytes]:
    """What jobs with the same cumulative hazards share; the first job has all cells."""
    return job.scenario, job.plan.cells.tobytes()


def _customers(model: ContinuedHazards, weights: np.ndarray, cumulative: np.ndarray) -> np.ndarray:
    """Customers of each cell at time 0, those who enter late with those whom they outlasted: (n_cells, n_draws)."""
    spells, cell = model.spells, cells_of(model.spells)[model.spells.pair]
    collect = coo_array(
        (np.ones(len(cell)), (cell, np.arange(len(cell)))), shape=(len(cumulative), len(cell))
    ).tocsr()
    if spells.entry.any():
        weights = weights * np.exp(np.minimum(cumulative[cell, spells.entry], _MOST))
    total: np.ndarray = collect @ weights
    return total
