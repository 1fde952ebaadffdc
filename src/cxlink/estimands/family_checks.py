"""Diagnostics of fitted families: how they fit, what they weigh, what they foresaw, and what to doubt."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from cxlink.cohort.count.spells import PersonPeriods
from cxlink.estimands.support_checks import finding
from cxlink.survival.families.averaging import members
from cxlink.survival.families.backtest import Backtest
from cxlink.survival.families.extrapolation_warnings import Doubt, Spike
from cxlink.survival.families.fitted import Fit, Unfitted

Row = dict[str, Any]
_SAME = 1e-9


def fit_findings(fits: Sequence[Fit | Unfitted], n: int, group: str = "") -> Iterator[Row]:
    """How each family fits; a family that was not fitted has one row, with its reason.

    Parameters
    ----------
    fits : sequence of Fit or Unfitted
        As `fit_all` gives them.
    n : int
        Customers, for the BIC.
    group : str
        Goes into the group column, to tell an unadjusted fit from an adjusted one.
    """
    for fit in fits:
        name = fit.family.name
        if isinstance(fit, Unfitted):
            yield finding(name, "fit", group, np.nan, False, f"Not fitted: {fit.reason}.")
            continue
        size = f"{len(fit.estimate)} parameters"
        yield finding(name, "log_likelihood", group, fit.log_likelihood, None, "without penalties")
        yield finding(name, "aic", group, fit.aic, None, f"2·parameters − 2·log-likelihood; {size}")
        yield finding(
            name, "bic", group, fit.bic(n), None, f"log(n)·parameters − 2·log-likelihood; {n:,} customers"
        )
        yield finding(
            name, "converged", group, fit.gradient_norm, fit.converged, "largest entry of the gradient a loss"
        )
        yield finding(
            name, "condition", group, fit.condition, None, "of the information, scaled to a unit diagonal"
        )
        for bound in fit.at_bound:
            yield finding(name, "at_bound", group, np.nan, None, f"{bound} is at a bound")
        if fit.family.kind == "spline":
            yield _monotone(fit, group)
        for note in fit.notes:
            yield finding(name, "fit", group, np.nan, None, note)


def _monotone(fit: Fit, group: str) -> Row:
    """Whether a spline's cumulative hazard rises from the first period to ten times as far as anybody would look."""
    time = np.geomspace(0.5, 1e4, 200)
    level, stratum = (x.ravel() for x in np.indices((len(fit.matrices[0]) // fit.n_strata, fit.n_strata)))
    linked = [part[0][:, None] for part in fit.linked(fit.estimate[None], level, stratum)]
    with np.errstate(all="ignore"):
        rising = np.diff(fit.family.linked(time, *linked), axis=-1) > _SAME
    ok = not rising.any()
    note = (
        "its cumulative hazard rises throughout"
        if ok
        else "its cumulative hazard falls somewhere: held level there"
    )
    return finding(fit.family.name, "monotone", group, float(ok), ok, note)


def ratio_findings(
    fits: Sequence[Fit], periods: PersonPeriods, names: Sequence[str], group: str = ""
) -> Iterator[Row]:
    """Ratios of each level to the worst with customers, with the direction in words.

    Parameters
    ----------
    fits : sequence of Fit
        Families.
    periods : PersonPeriods
        What they were fitted to.
    names : sequence of str
        Of the levels.
    group : str
        Appended to the level where fits are adjusted.
    """
    n_levels = len(periods.levels)
    if n_levels < 2:
        return
    level, stratum = np.arange(n_levels), np.zeros(n_levels, int)
    for fit in fits:
        reading = fit.family.reading
        location = fit.linked(fit.estimate[None], level, stratum)[0][0]
        after = f", {group}" if group else ""
        for k in range(1, n_levels):
            ratio = float(np.exp(np.clip(reading.sign * (location[k] - location[0]), -700, 700)))
            note = f"against score {names[0]}; {reading.sentence}"
            yield finding(fit.family.name, reading.ratio, f"{names[k]}{after}", ratio, None, note)


def weight_findings(
    fits: Sequence[Fit], weights: Mapping[str, np.ndarray], tested: Backtest, group: str = ""
) -> Iterator[Row]:
    """What each member of an average weighs, and which weights ``averaged`` has.

    Parameters
    ----------
    fits : sequence of Fit
        Families.
    weights : mapping of str to ndarray of shape (n_fits,)
        By the average's model name.
    tested : Backtest
        Where the backtest's weights come from, or why there are none.
    group : str
        See `fit_findings`.
    """
    chosen = members(fits)
    if not chosen:
        yield finding(
            "averaged", "weights", group, np.nan, False, "No family converged, so there is no average."
        )
        return
    said = {
        "averaged_aic": "Akaike weights of one member a class; those under 0.001 are left out.",
        "averaged_equal": "The same weight for one member of each class.",
        "averaged_backtest": "Weights of the mixture that foresaw best in the backtest, by customers and origins.",
    }
    for name, share in weights.items():
        if name != "averaged" and share.any():
            yield finding(name, "weights", group, np.nan, None, said[name])
            for k in chosen:
                yield finding(fits[k].family.name, f"weight in {name}", group, float(share[k]), None, "")
    if tested.reason:
        note = f"The same rows as averaged_aic: there are no backtest weights, since {tested.reason}."
        yield finding(
            "averaged_backtest", "weights", group, np.nan, False, f"No backtest weights: {tested.reason}."
        )
    else:
        note = "The same rows as averaged_backtest: follow-up is long enough for its weights."
    yield finding("averaged", "weights", group, np.nan, None, note)


def backtest_findings(tested: Backtest, unit: str, group: str = "") -> Iterator[Row]:
    """What each family foresaw from each origin.

    Parameters
    ----------
    tested : Backtest
        As `backtest` gives it.
    unit : str
        Of the clock.
    group : str
        See `fit_findings`.
    """
    words = {
        "log_score": "mean log probability of what customers then did; higher is better",
        "survival_error": f"predicted minus observed share still there at {unit} {tested.end}, averaged over scores",
        "tenure_error": f"predicted minus observed mean {unit}s from the origin to {unit} {tested.end}",
        "covered": "share of the scores whose mean to the end its 95 % prediction interval held",
    }
    for row in tested.scores.to_dict("records"):
        for name, note in words.items():
            quantity = f"backtest {name} from {unit} {row['origin']}"
            yield finding(str(row["model"]), quantity, group, float(row[name]), None, note)


def doubt_findings(found: Sequence[Doubt], spike: Spike | None, unit: str, group: str = "") -> Iterator[Row]:
    """What makes extrapolations hard to believe.

    Parameters
    ----------
    found : sequence of Doubt
        By family.
    spike : Spike or None
        Losses that come back every so many periods.
    unit : str
        Of the clock.
    group : str
        See `fit_findings`.
    """
    for doubt in found:
        yield finding(doubt.model, doubt.quantity, group, doubt.value, False, f"{doubt.sentence}.")
    if spike is not None:
        note = (
            f"losses come back every {spike.every} {unit}s, at {spike.ratio:.1f} times the rate of the neighbouring "
            f"{unit}s: no family here has such a hazard. Count in renewal terms of {spike.every} {unit}s instead."
        )
        yield finding("", "spike", group, float(spike.every), False, note)
