"""Entries of customer lifetime value and of a programme that moves the worst score to the best ones."""

from collections.abc import Iterator

import numpy as np

from cxlink.cohort.count.spells import spells_of
from cxlink.value.customer_value import generator, value_results
from cxlink.value.intervention import intervention_value
from cxlink.value.shifts import plan_intervention
from validation.printed import further_truths as further
from validation.printed.entry import Row, drawn_cohort, joined, standardised
from validation.printed.exact_truths import mix_of, pair_truths
from validation.printed.planted_law import BEST, HORIZON, MARGIN_SHARE, WORST, PlantedLaw

CAUSAL_SHARE, COST = 0.5, 12.0
"""Of the programme: share of the association that follows, and EUR for each customer of the worst score."""


def value(law: str, n: int, rng: np.random.Generator) -> Iterator[Row]:
    """Revenue and customer lifetime value inside follow-up, of new customers and of those who have stayed."""
    asked, counts = drawn_cohort(law, n, rng)
    rows, _ = value_results(spells_of(counts), counts, generator(counts.spec))
    yield from joined(standardised(rows), further.value_truths(pair_truths(asked), mix_of(counts)))


def programme(law: str, n: int, rng: np.random.Generator) -> Iterator[Row]:
    """Incremental margin, return, payback and break-even share of moving the worst score to the best ones."""
    asked, counts = drawn_cohort(law, n, rng)
    spells, mix = spells_of(counts), mix_of(counts)
    size = float(mix[list(np.array(WORST) - 1)].sum())
    planned = plan_intervention(
        spells, counts.spec, move="worst:best", cost=COST * size, causal_share=CAUSAL_SHARE
    )
    rows = intervention_value(spells, counts, planned, generator(counts.spec, intervention=True)).estimates
    truths = programme_truths(asked, mix, COST * size)
    yield from joined(
        [dict(zip(rows.columns, row, strict=True)) for row in rows.itertuples(index=False)], truths
    )


def programme_truths(law: PlantedLaw, mix: np.ndarray, cost: float) -> Iterator[Row]:
    """Give what moving the worst to the best brings, in the worst's own strata."""
    earned, size = gained(law, mix), mix[list(np.array(WORST) - 1)].sum()
    names = {"group": "best", "reference": "worst", "horizon": HORIZON}
    given = {**names, "scenario": f"causal_share={CAUSAL_SHARE:g}"}
    yield {**names, "estimand": "value_difference", "truth": earned[-1]}
    part = CAUSAL_SHARE * size * earned
    yield {**given, "estimand": "incremental_margin", "truth": part[-1]}
    yield {**given, "estimand": "programme_return", "truth": part[-1] / cost - 1}
    if (part >= cost).any():
        yield {**given, "estimand": "payback", "truth": float((part >= cost).argmax()) + 1}
    if earned[-1] > 0:
        yield {**names, "estimand": "break_even_share", "truth": cost / (size * earned[-1])}


def gained(law: PlantedLaw, mix: np.ndarray) -> np.ndarray:
    """Margin that one customer of the worst score gains by 1, 2, … periods, (HORIZON,)."""
    pairs, worst, best = pair_truths(law), list(np.array(WORST) - 1), list(np.array(BEST) - 1)
    levels = mix[best].sum(axis=1) / mix[best].sum()
    strata = mix[worst].sum(axis=0) / mix[worst].sum()
    at = [further.values(pairs, t) for t in range(1, HORIZON + 1)]
    return MARGIN_SHARE * np.array([strata @ (levels @ v[best] - v[worst].sum(axis=0)) for v in at])
