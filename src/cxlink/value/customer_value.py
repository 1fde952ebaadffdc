"""What a customer is worth, by score: lifetime revenue and value, new customers and current ones, and contrasts."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from cxlink.checks import Check
from cxlink.cohort.count.counts import MARGIN, SPEND, Counts
from cxlink.cohort.count.spells import SPEND_MOMENTS, Spells, each_pair, spells_of
from cxlink.cohort.spec.cohort_spec import PERIODS_PER_YEAR, CohortSpec
from cxlink.groups.curves import Standard
from cxlink.groups.requests import by_level
from cxlink.spend.means import cell_means
from cxlink.survival.splice import Families, SplicedCurves, continued, lasting
from cxlink.value.clv import Amount, Worth, silent_levels, worth
from cxlink.value.value_rows import Valued, asked_of, findings_of, rows_of_values
from cxlink.value.value_sums import Question

Row = dict[str, Any]


def value_results(
    spells: Spells, counts: Counts, families: Families | None, rng: np.random.Generator
) -> tuple[list[Row], list[Check]]:
    """Value customers by score level and band.

    Parameters
    ----------
    spells, counts
        The cohort; with spend.
    families : Families or None
        What continues retention beyond follow-up.
    rng : Generator
        Advanced.

    Returns
    -------
    rows : list of dict, findings : list of Check
        ``revenue``, ``value`` (with a margin), their differences and ratios, and ``margin_per_period``; scenario
        ``first_excluded``: margins at the ends of periods; ``given``: of those who have stayed so long.
    """
    spec, requests = counts.spec, asked_of(spells, counts.spec)
    if not requests:
        return [], [Check("no_value", value=0.0, passed=False)]
    question = asked(tuple(s for request in requests for s in request.standards), spec)
    as_they_are = [request.labels["adjusted"] == "no" for request in requests for _ in request.standards]
    question = replace(question, resampled=np.array(as_they_are))
    found = valued(spells, counts, families, question, rng)
    return rows_of_values(found, requests, spells, spec), findings_of(found, requests, spells, spec)


def generator(spec: CohortSpec, programme: bool = False) -> np.random.Generator:
    """Draws of value by themselves, so that no other part of an analysis changes them."""
    return np.random.default_rng([spec.analysis.seed, 10 if programme else 9])


def asked(standards: tuple[Standard, ...], spec: CohortSpec, paths: np.ndarray | None = None) -> Question:
    """Ask for the value of groups as the spec counts it; of a cohort with spend only, over its window.

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
        return Question(standards, int(np.ceil(window)), window, rate, (), paths)
    return Question(standards, spec.value_horizon, window, rate, spec.given if paths is None else (), paths)


def valued(
    spells: Spells, counts: Counts, families: Families | None, question: Question, rng: np.random.Generator
) -> Valued:
    """Value groups of pairs of level and stratum, every pair with somebody's spend.

    Parameters
    ----------
    spells, counts
        The cohort.
    families : Families or None
        What continues retention.
    question : Question
        Which groups, and how far ahead.
    rng : Generator
        Advanced.
    """
    spec = counts.spec
    curves = _curves(spells, spec, families, question)
    amounts = _amounts(spells, counts)
    found = worth(curves, amounts, question, spec.analysis.draws, rng)
    if spec.spend is not None and not spec.spend.refunds:
        found["revenue"] = _on_log_link(found["revenue"])
    margin = spec.value.margin if spec.value is not None else None
    if isinstance(margin, float | int):
        found["value"] = _times(found["revenue"], float(margin))
    model = "means" if spec.subscription is None else "kaplan_meier" if curves.observed.all() else "averaged"
    return Valued(model, question.horizon, question.given, found, _uncertain(spells, curves, amounts, spec))


def _curves(spells: Spells, spec: CohortSpec, families: Families | None, question: Question) -> SplicedCurves:
    if spec.subscription is None:
        return lasting(spells, question.n_steps)
    return continued(spells, families, question.n_steps, by_level(spells, spec), spec.horizon)


def _amounts(spells: Spells, counts: Counts) -> dict[str, Amount]:
    """Means of spend, and of a column of margin, by pair."""
    scored = counts.scored
    buyers = max(int((scored["spend_n"] - scored["spend_zero"]).sum()), 1)
    found = {"revenue": _amount(spells, buyers)}
    if counts.spec.margin_column is not None:
        cells = counts.cells.drop(columns=list(SPEND))
        cells = cells.rename(columns=dict(zip(MARGIN, SPEND_MOMENTS, strict=True)))
        found["value"] = _amount(spells_of(replace(counts, cells=cells)), buyers)
    return found


def _amount(spells: Spells, buyers: int) -> Amount:
    return Amount(cell_means(spells, each_pair(spells)), float(spells.spend[:, 1].sum() / buyers))


def _uncertain(
    spells: Spells, curves: SplicedCurves, amounts: Mapping[str, Amount], spec: CohortSpec
) -> np.ndarray:
    silent = np.concatenate([silent_levels(spells, amount.cells) for amount in amounts.values()])
    flagged = np.isin(np.arange(len(spells.levels)), silent)
    if spec.subscription is not None:
        flagged |= np.isin(np.arange(len(spells.levels)), curves.thin)
    return flagged


def _on_log_link(found: Worth) -> Worth:
    """Draw what cannot be negative on the scale of its logarithm, as `on_log_link` draws means of spend."""

    def linked(point: np.ndarray, draws: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            return np.where(point > 0, point * np.exp(draws / point - 1), draws)

    return replace(
        found, draws=linked(found.point, found.draws), rate_draws=linked(found.rate, found.rate_draws)
    )


def _times(found: Worth, share: float) -> Worth:
    return Worth(
        share * found.point, share * found.draws, found.beyond, share * found.rate, share * found.rate_draws,
        share * found.path, share * found.path_draws,
    )  # fmt: skip
