"""Non-response: the retention of customers without a score, and the tipping point.

The tipping point (Yan, Lee & Li 2009, doi 10.1080/10543400903243009) is the retention of non-respondents at which the
contrast would vanish.
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
"""Group of the customers without a score who have a time origin."""


def unscored_spells(counts: Counts) -> Spells | None:
    """Spells of the customers without a score who have a time origin, at one level.

    Their time origin is that of respondents: the date of the survey, or ``entry``. Rows without one, or never at risk,
    have no information on retention.

    Returns
    -------
    Spells or None
        With the mix to which respondents are standardised; the number of the level is arbitrary. None where no customer
        without a score was ever at risk.
    """
    cells = counts.cells[counts.cells["score"].isna() & (counts.cells["exit"] > counts.cells["entry"])]
    if not len(cells) or counts.spec.subscription is None:
        return None
    level = counts.spec.scale.levels[0]
    spells = spells_of(replace(counts, cells=cells.assign(score=level).astype({"score": "Int64"})))
    all_customers = counts.spec.analysis.target == "customers"
    late_entry = counts.spec.subscription.clock == "signup"
    return replace(
        spells, mix=mix_of(counts.cells if all_customers else counts.scored, spells.strata, late_entry)
    )


def unscored_requests(spells: Spells, counts: Counts) -> list[Request]:
    """Requests for their curves: pooled, and standardised over the strata at risk up to the horizon.

    Parameters
    ----------
    spells : Spells
        The result of `unscored_spells`.
    counts : Counts
        Of the whole cohort.
    """
    spec = counts.spec
    times = np.array(sorted({0, *reported_periods(spells.n_periods, spec.horizon), spec.horizon}))
    requests = []
    if (overall := pooled(spells, spec)) is not None:
        requests.append((overall, "all"))
    if (adjusted := standardised(spells, spec, reaches(spells, spec.horizon))) is not None:
        requests.append((adjusted, str(spells.levels[0])))
    return [single for request, group in requests for single in _alone(request, group, times)]


def _alone(request: Request, group: str, times: np.ndarray) -> list[Request]:
    """One group of a request, renamed `NOT_SCORED`."""
    own = [request.standards[i] for i in request.own if request.standards[i].group == group]
    key = (group, "")
    covered = {(NOT_SCORED, ""): request.covered[key]} if key in request.covered else {}
    return [
        replace(
            request, standards=(replace(standard, group=NOT_SCORED),), own=(0,), contrasts=(), times=times,
            horizons=(), covered=covered,
        )
        for standard in own
    ]  # fmt: skip


def tipping_point(group: np.ndarray, reference: np.ndarray, response: float) -> np.ndarray:
    """Retention of non-respondents at which a contrast would vanish.

    Assume that non-respondents have the same distribution of scores as respondents, and that those who would have given
    the reference's scores have its respondents' retention. The contrast is then 0 if the retention of those who would
    have given the group's scores is x = (S_reference − ρ·S_group) / (1 − ρ).

    Parameters
    ----------
    group, reference : ndarray
        S of the two groups at the horizon: estimates, or draws.
    response : float
        ρ < 1, the share of all customers who have a score.

    Returns
    -------
    ndarray
        Of the same shape. Below 0 or above 1, no retention of non-respondents makes the contrast vanish.
    """
    return (reference - response * group) / (1 - response)
