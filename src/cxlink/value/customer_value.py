"""Customer lifetime value by score: revenue and margin, of new customers and current ones, and contrasts."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from cxlink.checks import Check, Fact
from cxlink.cohort.count.counts import MARGIN, SPEND, Counts
from cxlink.cohort.count.spells import SPEND_MOMENTS, Spells, spells_of
from cxlink.cohort.spec.cohort_spec import PERIODS_PER_YEAR, CohortSpec
from cxlink.estimands.model_rows.spliced_rows import cohort_tails
from cxlink.groups.curves import Standard
from cxlink.groups.support import FEWEST_AT_RISK, last_with
from cxlink.survival.tails.group_readings import MODEL
from cxlink.survival.tails.pair_curves import PairCurves, continued_pairs, lasting_pairs
from cxlink.survival.tails.tails import Tails
from cxlink.value.clv import Key, LifetimeValue, lifetime_values
from cxlink.value.margins import Margins, margins_of
from cxlink.value.value_rows import (
    ValueEstimates,
    first_contrasts,
    value_checks,
    value_requests,
    value_rows,
)
from cxlink.value.value_sums import ValueQuestion

Row = dict[str, Any]


def value_results(
    spells: Spells, counts: Counts, rng: np.random.Generator, tails: Tails | None = None
) -> tuple[list[Row], list[Check]]:
    """Value customers by score level and band.

    Parameters
    ----------
    spells, counts
        The cohort; with spend.
    rng : Generator
        Advanced.
    tails : Tails, optional
        What continues retention beyond follow-up; by default as an analysis chooses and fits it.

    Returns
    -------
    rows : list of dict, checks : list of Check
        ``revenue``, ``value`` (with a margin), their differences and ratios, and ``margin_per_period``; scenario
        ``first_excluded``: without the margin at the survey; ``margin_trend``: margins that go on changing beyond
        follow-up; ``shared=0`` and ``shared=1``: levels' extrapolation errors independent, and the same; ``given``: of
        those who have stayed so long.
    """
    spec, requests = counts.spec, value_requests(spells, counts.spec)
    if not requests:
        return [], [Check("no_value", value=0.0, passed=False)]
    standards = tuple(s for request in requests for s in request.standards)
    own = [request.labels["adjusted"] == "no" for request in requests for _ in request.standards]
    scored = next((request.scored for request in requests if request.scored is not None), None)
    question = replace(
        value_question(standards, spec), own=np.array(own), scored=scored, shared=first_contrasts(requests)
    )
    estimates = estimate_values(spells, counts, question, rng, tails)
    checks = [*_not_followed(question, spec), *value_checks(estimates, requests, spells, spec)]
    return value_rows(estimates, requests, spells, spec), checks


def _not_followed(question: ValueQuestion, spec: CohortSpec) -> list[Check]:
    """Say that a horizon cannot be valued, where retention is not known."""
    beyond = spec.value.horizon if spec.value is not None and spec.subscription is None else None
    if beyond is None or beyond <= question.horizon:
        return []
    facts: dict[str, Fact] = {"horizon": question.horizon, "unit": spec.unit}
    limit = float(question.horizon)
    return [Check("value_horizon", "value", value=float(beyond), bound=limit, passed=False, facts=facts)]


def generator(spec: CohortSpec, intervention: bool = False) -> np.random.Generator:
    """Draws of value by themselves, so that no other part of an analysis changes them."""
    return np.random.default_rng([spec.analysis.seed, 10 if intervention else 9])


def value_question(
    standards: tuple[Standard, ...], spec: CohortSpec, paths: np.ndarray | None = None
) -> ValueQuestion:
    """Ask for the value of groups as the spec counts it; of a cohort with spend only, over its window at most.

    Raises
    ------
    ValueError
        If the spec has no spend.
    """
    if spec.spend is None:
        raise ValueError("the spec has no [spend]")
    per_year = PERIODS_PER_YEAR[spec.unit]
    window = spec.spend.window_months * per_year / 12
    rate = float(np.log1p(spec.value_discount)) / per_year
    if spec.subscription is None:
        known = int(np.ceil(window))
        asked = spec.value.horizon if spec.value is not None else None
        return ValueQuestion(standards, min(asked or known, known), window, rate, (), paths)
    given = spec.given if paths is None else ()
    return ValueQuestion(standards, spec.value_horizon, window, rate, given, paths)


def estimate_values(
    spells: Spells,
    counts: Counts,
    question: ValueQuestion,
    rng: np.random.Generator,
    tails: Tails | None = None,
) -> ValueEstimates:
    """Value groups of pairs of level and stratum, every pair with somebody's spend.

    Parameters
    ----------
    spells, counts
        The cohort.
    question : ValueQuestion
        Which groups, and how far ahead.
    rng : Generator
        Advanced.
    tails : Tails, optional
        What continues retention; by default as an analysis chooses and fits it.
    """
    spec = counts.spec
    curves = _curves(spells, spec, question, tails)
    amounts = _amounts(curves, counts, question)
    values = lifetime_values(curves, amounts, question, spec.analysis.draws, rng)
    if spec.spend is not None and not spec.spend.refunds:
        values |= {key: _on_log_link(one) for key, one in values.items() if key[0] == "revenue"}
    margin = spec.value.margin if spec.value is not None else None
    if isinstance(margin, float | int):
        values |= _margins_of(values, float(margin))
    model = "means" if spec.subscription is None else "kaplan_meier" if curves.observed.all() else MODEL
    followed = last_with(question.standards, curves.at_risk, FEWEST_AT_RISK)
    uncertain = _uncertain(curves, amounts, spec)
    return ValueEstimates(model, question.horizon, question.given, values, uncertain, followed)


def _curves(spells: Spells, spec: CohortSpec, question: ValueQuestion, tails: Tails | None) -> PairCurves:
    """Curves by level and stratum, with draws: all that value reads of retention."""
    if spec.subscription is None:
        return lasting_pairs(spells, question.n_steps)
    return continued_pairs(spells, tails or cohort_tails(spells, spec), question.n_steps, spec.horizon)


def _amounts(curves: PairCurves, counts: Counts, question: ValueQuestion) -> dict[str, Margins]:
    """Margins of spend, and of a column of margin, by pair and time."""
    scored, spells = counts.scored, curves.spells
    buyers = int((scored["spend_n"] - scored["spend_zero"]).sum())
    columns = {"revenue": spells}
    if counts.spec.margin_column is not None:
        cells = counts.cells.drop(columns=list(SPEND))
        cells = cells.rename(columns=dict(zip(MARGIN, SPEND_MOMENTS, strict=True)))
        columns["value"] = spells_of(replace(counts, cells=cells))
    return {
        name: margins_of(
            replace(spells, spend=of.spend, buckets=of.buckets),
            question.exposure,
            curves.log_survival,
            question.n_steps + 1,
            buyers,
        )
        for name, of in columns.items()
    }


def _uncertain(curves: PairCurves, amounts: Mapping[str, Margins], spec: CohortSpec) -> np.ndarray:
    silent = np.concatenate([amount.silent for amount in amounts.values()])
    level = np.arange(len(curves.spells.levels))
    flagged = np.isin(level, silent)
    if spec.subscription is not None:
        flagged |= np.isin(level, curves.thin)
    return flagged


def _on_log_link(values: LifetimeValue) -> LifetimeValue:
    """Draw what cannot be negative on the scale of its logarithm, as `on_log_link` draws means of spend."""

    def linked(point: np.ndarray, draws: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            return np.where(point > 0, point * np.exp(draws / point - 1), draws)

    return replace(
        values, draws=linked(values.point, values.draws), rate_draws=linked(values.rate, values.rate_draws)
    )


def _margins_of(values: Mapping[Key, LifetimeValue], share: float) -> dict[Key, LifetimeValue]:
    """Lifetime value where margin is a share of revenue."""
    return {
        ("value", scenario): LifetimeValue(
            share * one.point, share * one.draws, one.beyond, share * one.rate, share * one.rate_draws,
            share * one.path, share * one.path_draws,
        )
        for (name, scenario), one in values.items() if name == "revenue"
    }  # fmt: skip
