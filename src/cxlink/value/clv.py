"""Customer lifetime value of groups: amounts earned while customers are retained, discounted.

Of each level and stratum, with S(t) the share retained after t periods and m(t) the margin of a period of those
retained (`cxlink.value.margins`),

    V = Σ_{t=0}^{h−1} S(t) · m(t) · (1 + d)^(−t/p),   p periods a year.

Reported groups are averages of these over levels and strata, of those who have stayed for some time by
`cxlink.groups.retained`. Retention and margins are drawn from the same customers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cxlink.survival.splice import SplicedCurves
from cxlink.value.margins import Margins, continued_trend, last_told, over_time
from cxlink.value.value_sums import (
    INCLUDED,
    ValueQuestion,
    ValueSums,
    term_weights,
    unobserved_steps,
    values_of,
)

TREND = "margin_trend"
"""Scenario: beyond follow-up margins go on changing, instead of being held."""


@dataclass(frozen=True, slots=True, eq=False)
class LifetimeValue:
    """Value of an amount by group, with draws; NaN where it is not known.

    Attributes
    ----------
    point : ndarray of shape (n_groups, 1 + n_given, 2)
        At the survey, and then for those who have stayed each of `given`; first margin included, and excluded.
    draws : ndarray of shape (n_draws, n_groups, 1 + n_given, 2)
        Draws of the same.
    beyond : ndarray of shape (n_groups, 1 + n_given)
        Share of the value, first margin included, that stands on a step which is not observed.
    rate : ndarray of shape (n_groups, 1 + n_given)
        Margin of the next period of those retained; averaged as the groups are.
    rate_draws : ndarray of shape (n_draws, n_groups, 1 + n_given)
        Draws of it.
    path : ndarray of shape (n_paths, horizon)
        Value after 1, 2, … periods of the combinations asked for, first margin included.
    path_draws : ndarray of shape (n_draws, n_paths, horizon)
        Draws of it.
    """

    point: np.ndarray
    draws: np.ndarray
    beyond: np.ndarray
    rate: np.ndarray
    rate_draws: np.ndarray
    path: np.ndarray
    path_draws: np.ndarray


Key = tuple[str, str]
"""An amount, and a scenario: empty, or `TREND`."""


def lifetime_values(
    curves: SplicedCurves,
    amounts: Mapping[str, Margins],
    question: ValueQuestion,
    n_draws: int,
    rng: np.random.Generator,
) -> dict[Key, LifetimeValue]:
    """Value amounts by group; all from one bootstrap of customers.

    Parameters
    ----------
    curves : SplicedCurves
        To at least `ValueQuestion.n_steps`.
    amounts : mapping of str to Margins
        What is valued, by name.
    question : ValueQuestion
        Of which groups, and how far ahead.
    n_draws : int
        Draws of each.
    rng : Generator
        Children of it are advanced.

    Returns
    -------
    dict of (str, str) to LifetimeValue
        By amount and scenario; the trend where the horizon passes what margins are observed for.
    """
    spells, log_survival = curves.spells, curves.log_survival[..., None]
    weights = term_weights(spells, question, log_survival)
    made: dict[Key, list[ValueSums]] = {}
    observed = {}
    for name, amount in amounts.items():
        for key, margins in _margins(name, amount, amount.mean[..., None], question).items():
            made[key] = [values_of(question, log_survival, margins, weights)]
            seen = values_of(question, log_survival, margins, weights, unobserved_steps(curves))
            observed[key] = seen.value[:, :, INCLUDED, 0]
    shared, *own = rng.spawn(1 + len(amounts))
    for block, customers in curves.draws(n_draws, shared):
        weights = term_weights(spells, question, block, customers)
        for (name, amount), stream in zip(amounts.items(), own, strict=True):
            drawn = amount.draws(customers, stream)
            for key, margins in _margins(name, amount, drawn, question).items():
                made[key].append(values_of(question, block, margins, weights))
    return {key: _together(parts, observed[key]) for key, parts in made.items()}


def _margins(name: str, amount: Margins, mean: np.ndarray, question: ValueQuestion) -> dict[Key, np.ndarray]:
    """Margins held beyond follow-up, and going on where new customers are valued as far."""
    level = amount.spells.level
    held = over_time(mean, amount.at_risk, level)
    latest = max((int(s.entry.max(initial=0)) for s in question.standards), default=0)
    if latest + question.horizon - 1 <= last_told(amount.at_risk, level).min():
        return {(name, ""): held}
    return {(name, ""): held, (name, TREND): continued_trend(held, mean, amount.at_risk, level)}


def _together(parts: list[ValueSums], observed: np.ndarray) -> LifetimeValue:
    """Put estimate (the first part) and blocks of draws together."""
    first, *blocks = parts
    value, rate, path = (
        np.moveaxis(np.concatenate([getattr(block, name) for block in blocks], axis=-1), -1, 0)
        for name in ("value", "rate", "path")
    )
    point = first.value[..., 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        beyond = np.clip(1 - observed / point[..., INCLUDED], 0.0, 1.0)
    return LifetimeValue(
        point,
        value,
        np.where(np.isnan(beyond), 0.0, beyond),
        first.rate[..., 0],
        rate,
        first.path[..., 0],
        path,
    )
