"""Survival of every level in every stratum at whole periods, drawn with the customers that it stands on.

What `cxlink.survival.tails.spliced_tenure` averages over groups, pair by pair: Kaplan–Meier's step of a period while
ten customers of the level and stratum are at risk, then that of the fitted hazards, with the extrapolation error beyond
T. Margins, which are drawn from the same customers, are multiplied with these.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from cxlink.cohort.count.spells import Spells, each_pair, risk_sets
from cxlink.groups.requests import Request
from cxlink.survival.anchors.anchoring import repeated_streams
from cxlink.survival.bootstrap import ResampledCustomers, drawn_customers
from cxlink.survival.tails.continued_hazards import ContinuedHazards
from cxlink.survival.tails.curve_plan import (
    ContinuedPlan,
    continued_log_survival,
    lay_out_continued,
    resampled_hazards,
    thin_levels,
)
from cxlink.survival.tails.tails import Tails

_BLOCK = 4_000_000
Curves = dict[str, np.ndarray]
"""log S(t) by scenario, each of shape (n_pairs, n_steps + 1, n_block)."""


@dataclass(frozen=True, slots=True, eq=False)
class PairCurves:
    """Curves of all pairs of level and stratum, to be drawn.

    Attributes
    ----------
    spells : Spells
        The cohort.
    at_risk : int ndarray of shape (n_pairs, n_periods)
        Customers of each pair.
    observed : bool ndarray of shape (n_pairs, n_steps)
        Whether the step of period t + 1 since the time origin is read off the curve.
    log_survival : ndarray of shape (n_pairs, n_steps + 1)
        log S(t) of the estimate at t = 0, 1, ….
    thin : int ndarray
        Positions of the levels with few losses or few survivors.
    source : Continuation or None
        What they are drawn from; None where all customers are taken to stay.
    """

    spells: Spells
    at_risk: np.ndarray
    observed: np.ndarray
    log_survival: np.ndarray
    thin: np.ndarray
    source: "Continuation | None" = None

    def draws(
        self, n_draws: int, rng: np.random.Generator, scenarios: Sequence[str] = ("",)
    ) -> Iterator[tuple[Curves, ResampledCustomers]]:
        """Draw the curves, with the resampled customers that they are made of.

        Parameters
        ----------
        n_draws : int
            In all.
        rng : Generator
            Children of it are advanced.
        scenarios : sequence of str
            ``""``, and ``shared=0`` and ``shared=1``: see `cxlink.survival.tails.extrapolation_error.error_paths`.

        Yields
        ------
        log_survival : dict of str to ndarray of shape (n_pairs, n_steps + 1, n_block)
            By scenario; all from the same customers.
        customers : ResampledCustomers
            Whom they were made of.
        """
        bootstrap, more = rng.spawn(2)
        widest = max(self.log_survival.size, len(self.spells.n), 1)
        asked = n_draws, int(np.clip(_BLOCK // widest, 10, n_draws))
        if self.source is not None:
            yield from self.source.draws(asked, self.log_survival.shape[1], (bootstrap, more), scenarios)
            return
        for customers in drawn_customers(self.spells, *asked, bootstrap):
            stay = np.zeros((*self.log_survival.shape, customers.weights.shape[1]))
            yield dict.fromkeys(scenarios, stay), customers


@dataclass(frozen=True, slots=True, eq=False)
class Continuation:
    """Observed curves of pairs, and what continues them.

    Attributes
    ----------
    plan : ContinuedPlan
        Its curves are the pairs.
    model : ContinuedHazards
        Whole periods, with no draws of the error yet.
    tails : Tails
        What draws it.
    """

    plan: ContinuedPlan
    model: ContinuedHazards
    tails: Tails

    def draws(
        self,
        asked: tuple[int, int],
        n_times: int,
        streams: tuple[np.random.Generator, np.random.Generator],
        scenarios: Sequence[str],
    ) -> Iterator[tuple[Curves, ResampledCustomers]]:
        """Draw curves at so many times, as many draws in all and in a block as are asked; see `PairCurves.draws`."""
        spells, last, start = self.model.spells, self.plan.hazard, 0
        bootstrap, (noise, paths) = streams[0], streams[1].spawn(2)
        model, index = self._with_paths(asked, (bootstrap, noise, paths), scenarios)
        count, gradients = risk_sets(spells, each_pair(spells)), model.gradients()
        for customers in drawn_customers(spells, *asked, bootstrap):
            weights = customers.weights
            at = slice(start, start + weights.shape[1])
            hazard, last = resampled_hazards(self.plan, count(weights), last)
            # many small products of matrices: threads of their own would wait for each other
            with threadpool_limits(1, "blas"):
                drawn = model.drawn(weights, at, gradients, noise)
            curves = {name: self._joined(hazard, drawn.cumulated(name)) for name in scenarios}
            made = {name: one[:, :n_times] for name, one in curves.items()}
            start = at.stop
            if index is None:
                yield made, customers
                continue
            own = index[np.searchsorted(index, at.start) : np.searchsorted(index, at.stop)] - at.start
            if len(own):
                yield {name: one[..., own] for name, one in made.items()}, customers.only(own)

    def _with_paths(
        self,
        asked: tuple[int, int],
        streams: tuple[np.random.Generator, np.random.Generator, np.random.Generator],
        scenarios: Sequence[str],
    ) -> tuple[ContinuedHazards, np.ndarray | None]:
        """Draw errors; given anchors also which draws stay, rising, some of them repeatedly."""
        (n_draws, _), spells, (bootstrap, noise, paths) = asked, self.model.spells, streams
        tails, errors = self.tails, self.tails.drawn_errors(spells, n_draws, paths)
        model = replace(self.model, paths=errors.paths, structure=tails.drawn_structures(n_draws))
        if tails.anchoring is None:
            return model, None
        again = repeated_streams((spells, *asked), bootstrap, noise)
        more = errors, lambda: tails.drawn_errors(spells, n_draws, paths)
        kept = tails.anchoring.draws(model, again, more, paths, scenarios)
        return replace(model, paths=kept.paths), kept.index

    def _joined(self, hazard: np.ndarray, cumulative: np.ndarray) -> np.ndarray:
        return continued_log_survival(self.plan, self.plan.drawn, hazard, cumulative, np.zeros((0, 1)))

    def estimate(self) -> np.ndarray:
        """Give log S(t) of the estimate, (n_pairs, n_steps + 1)."""
        plan, none = self.plan, np.zeros((0, 1))
        cumulative = self.model.estimate()
        joined = continued_log_survival(plan, plan.observed, plan.hazard[..., None], cumulative, none)
        return joined[..., 0]


def continued_pairs(spells: Spells, tails: Tails, n_steps: int, horizon: int) -> PairCurves:
    """Lay out the curves of all pairs of level and stratum, to so many periods since the time origin.

    Parameters
    ----------
    spells : Spells
        The cohort.
    tails : Tails
        What continues them.
    n_steps : int
        Periods since the time origin.
    horizon : int
        At which levels with few losses or few survivors are identified, in periods.
    """
    plan = lay_out_continued(spells, Request({}, each_pair(spells), (), (), ()), horizon)
    end = np.arange(1.0, max(n_steps, spells.n_periods) + 1)
    model = ContinuedHazards(
        spells, tails.fit, end - 1, end, tails.paths(spells, 0, np.random.default_rng(0)), tails.others,
        tails.drawn_structures(0),
    )  # fmt: skip
    source = Continuation(plan, model, tails)
    observed = np.zeros((spells.n_pairs, n_steps), dtype=bool)
    width = min(n_steps, spells.n_periods)
    observed[:, :width] = plan.observed[:, :width]
    thin = np.flatnonzero(thin_levels(spells, horizon))
    return PairCurves(spells, plan.at_risk, observed, source.estimate()[:, : n_steps + 1], thin, source)


def lasting_pairs(spells: Spells, n_steps: int) -> PairCurves:
    """Give curves of customers who are all taken to stay for so many periods: of a cohort with spend only."""
    stay = replace(spells, exit=np.full_like(spells.exit, n_steps))
    at_risk, _ = risk_sets(stay, each_pair(stay))(stay.n)
    observed = np.ones((stay.n_pairs, n_steps), dtype=bool)
    return PairCurves(stay, at_risk, observed, np.zeros((stay.n_pairs, n_steps + 1)), np.empty(0, int))
