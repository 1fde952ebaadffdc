"""Customer lifetime value of groups: amounts earned while customers are retained, discounted.

Of each level and stratum, with S(t) the share retained after t periods and m(t) the margin of a period of those
retained (`cxlink.value.margins`),

    V = Σ_{t=0}^{h−1} S(t) · m(t) · (1 + d)^(−t/p),   p periods a year.

Reported groups are averages of these over levels and strata, of those who have stayed for some time by
`cxlink.groups.retained`. Retention and margins are drawn from the same customers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from cxlink.groups.support import FEWEST_AT_RISK, last_with
from cxlink.survival.tails.pair_curves import PairCurves
from cxlink.value.margins import Margins, continued_trend, last_told, over_time
from cxlink.value.value_sums import (
    INCLUDED,
    ValueQuestion,
    ValueSums,
    term_weights,
    values_of,
)

TREND = "margin_trend"
"""Scenario: beyond follow-up margins go on changing, instead of being held."""
SHARED = ("shared=0", "shared=1")
"""Scenarios: levels' extrapolation errors independent, and one error for all levels."""


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
        Share of the value, first margin included, from beyond the group's last period with ten at risk.
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
"""An amount, and a scenario: empty, `TREND`, or one of `SHARED`."""


def lifetime_values(
    curves: PairCurves,
    amounts: Mapping[str, Margins],
    question: ValueQuestion,
    n_draws: int,
    rng: np.random.Generator,
) -> dict[Key, LifetimeValue]:
    """Value amounts by group; all from one bootstrap of customers.

    Parameters
    ----------
    curves : PairCurves
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
        By amount and scenario; the trend where the horizon passes what margins are observed for. Of the scenarios
        `SHARED` the groups are those of `ValueQuestion.shared`, one pair after another; where the horizon passes
        follow-up.
    """
    until = (
        last_with(question.standards, curves.at_risk, FEWEST_AT_RISK) if curves.source is not None else None
    )
    questions = {"": question}
    if until is not None and question.shared and question.horizon > until.min(initial=question.horizon):
        pairs = [g for pair in question.shared for g in pair]
        questions |= dict.fromkeys(SHARED, question.only(pairs))
    point = dict.fromkeys(questions, curves.log_survival[..., None])
    means = {name: amount.mean[..., None] for name, amount in amounts.items()}
    made = {key: [sums] for key, sums in _valued(curves, amounts, questions, (point, means))}
    inside = dict(_valued(curves, amounts, questions, (point, means), until=until))
    shared, *own = rng.spawn(1 + len(amounts))
    for block, customers in curves.draws(n_draws, shared, tuple(questions)):
        drawn = {
            name: amount.draws(customers, stream)
            for (name, amount), stream in zip(amounts.items(), own, strict=True)
        }
        for key, sums in _valued(curves, amounts, questions, (block, drawn), customers=customers.weights):
            made[key].append(sums)
    return {key: _together(parts, inside[key].value[:, :, INCLUDED, 0]) for key, parts in made.items()}


def _valued(
    curves: PairCurves,
    amounts: Mapping[str, Margins],
    questions: Mapping[str, ValueQuestion],
    drawn: tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]],
    *,
    customers: np.ndarray | None = None,
    until: np.ndarray | None = None,
) -> Iterator[tuple[Key, ValueSums]]:
    """Value every amount in every scenario, of curves by scenario and mean rates by amount."""
    log_survival, rates = drawn
    margins = {
        key: margin
        for name, amount in amounts.items()
        for key, margin in _margins(name, amount, rates[name], questions[""]).items()
    }
    for scenario, question in questions.items():
        weights = term_weights(curves.spells, question, log_survival[scenario], customers)
        pairs = [g for pair in questions[""].shared for g in pair]
        last = until if until is None or not scenario else until[pairs]
        for (name, trend), margin in margins.items():
            if not (scenario and trend):
                sums = values_of(question, log_survival[scenario], margin, weights, last)
                yield (name, scenario or trend), sums


def _margins(name: str, amount: Margins, mean: np.ndarray, question: ValueQuestion) -> dict[Key, np.ndarray]:
    """Margins held beyond follow-up, and going on where new customers are valued as far."""
    level = amount.spells.level
    held = over_time(mean, amount.at_risk, level)
    latest = max((int(s.entry.max(initial=0)) for s in question.standards), default=0)
    if latest + question.horizon - 1 <= last_told(amount.at_risk, level).min():
        return {(name, ""): held}
    return {(name, ""): held, (name, TREND): continued_trend(held, mean, amount.at_risk, level)}


def _together(parts: list[ValueSums], observed: np.ndarray) -> LifetimeValue:
    """Put estimate (the first part) and blocks of draws together; ``observed`` is the estimate within follow-up."""
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
