"""Customers without a score: what is known of how long they stay, and what it would have to be.

The tipping point follows Yan, Lee & Li (2009), doi 10.1080/10543400903243009: which values of those who are missing
would undo the result?
"""

from dataclasses import replace

import numpy as np

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.mix import mix_of
from cxlink.cohort.count.spells import Spells, spells_of
from cxlink.groups.headline_requests import reported_periods
from cxlink.groups.requests import Request, pooled
from cxlink.groups.standardisation import standardised
from cxlink.groups.support import reaches

NOT_SCORED = "not_scored"
"""Group of the customers without a score whose clock can start."""


def unscored_spells(counts: Counts) -> Spells | None:
    """Collect the customers without a score whose clock can start, as spells of one level.

    The clock of such a customer starts where that of the others does: on the day the survey went out, or with
    ``entry``. A row that has no such day, or is never at risk, cannot say how long its customer stays.

    Returns
    -------
    Spells or None
        To be standardised to the mix that the scored are standardised to; the level's number means nothing. None where
        nobody without a score was ever at risk.
    """
    cells = counts.cells[counts.cells["score"].isna() & (counts.cells["exit"] > counts.cells["entry"])]
    if not len(cells) or counts.spec.subscription is None:
        return None
    level = counts.spec.scale.levels[0]
    spells = spells_of(replace(counts, cells=cells.assign(score=level).astype({"score": "Int64"})))
    everybody = counts.spec.analysis.target == "customers"
    late = counts.spec.subscription.clock == "signup"
    return replace(spells, mix=mix_of(counts.cells if everybody else counts.scored, spells.strata, late))


def unscored_requests(spells: Spells, counts: Counts) -> list[Request]:
    """Ask for their curves: pooled, and standardised over the strata where somebody is at risk to the horizon.

    Parameters
    ----------
    spells : Spells
        What `unscored_spells` gives.
    counts : Counts
        Of the whole cohort.
    """
    spec = counts.spec
    times = np.array(sorted({0, *reported_periods(spells.n_periods, spec.horizon), spec.horizon}))
    found = []
    if (whole := pooled(spells, spec)) is not None:
        found.append((whole, "all"))
    if (average := standardised(spells, spec, reaches(spells, spec.horizon))) is not None:
        found.append((average, str(spells.levels[0])))
    return [one for request, group in found for one in _alone(request, group, times)]


def _alone(request: Request, group: str, times: np.ndarray) -> list[Request]:
    """One group of a request, under its name here."""
    own = [request.standards[i] for i in request.own if request.standards[i].group == group]
    alone = (group, "")
    covered = {(NOT_SCORED, ""): request.covered[alone]} if alone in request.covered else {}
    return [
        replace(
            request, standards=(replace(standard, group=NOT_SCORED),), own=(0,), contrasts=(), times=times,
            horizons=(), covered=covered,
        )
        for standard in own
    ]  # fmt: skip


def tipping_point(group: np.ndarray, reference: np.ndarray, response: float) -> np.ndarray:
    """Retention of those who did not answer at which a contrast would vanish.

    Suppose those who did not answer split over the scores as those who did, and that those among them who would have
    given the reference's scores stay as its respondents do. Then the two sides are equal where the others who did
    not answer, who would have given the group's scores, keep to x = (S_reference − ρ·S_group) / (1 − ρ).

    Parameters
    ----------
    group, reference : ndarray
        S of the two sides at the horizon: the estimates, or draws.
    response : float
        ρ, the share of all customers who have a score; under 1.

    Returns
    -------
    ndarray
        Under 0, or over 1: no retention of theirs could undo the contrast.
    """
    return (reference - response * group) / (1 - response)
