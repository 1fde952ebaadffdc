"""What reaches beyond follow-up, on laws drawn at random: the fewer tenures, and value, to twice the follow-up.

The laws are those of `validation.extrapolation.drawn_laws`, of whose customers half have hazards .7 times as high and
bring more, and half 1.4 times. Restricted means, whose tails these are sums of, have proofs of their own.
"""

from collections.abc import Iterator

import numpy as np

from cxlink.cohort.count.spells import spells_of
from cxlink.estimands.model_rows.spliced_rows import spliced_results
from cxlink.value.customer_value import generator, value_results
from validation.extrapolation.drawn_laws import drawn_law
from validation.printed.entry import Row, joined, seeded, standardised
from validation.printed.exact_truths import curve_truths, mix_of, pair_truths
from validation.printed.further_truths import value_truths
from validation.printed.planted_law import (
    DISCOUNT,
    DRAWS,
    GIVEN,
    HORIZON,
    MARGIN_SHARE,
    PlantedLaw,
    counts_of,
    drawn,
    planted_laws,
    spec_of,
)  # fmt: skip

LAWS = 100
"""Drawn of each class."""
TIMES, _WHERE = 2, "twice follow-up"
_FACTORS = np.array([1.4, 0.7])


def far_law(kind: str, rng: np.random.Generator) -> PlantedLaw:
    """Draw a law of a class, and give it light and heavy users."""
    law, spending = drawn_law(kind, rng), planted_laws()["heavy_users_stay"]
    hazard = -np.diff(law.log_survival, axis=-1)[:, :, None, None] * _FACTORS[:, None, None]
    halves = np.full((1, 1, 2, 1, 1), 0.5)
    return PlantedLaw(
        kind, "", law.share[..., None] * halves[..., 0, 0], hazard * np.ones((2, 1)) / 2, spending.rates,
        spending.rate_share, spending.control, {t + 1: p for t, p in enumerate(law.follow_up) if p > 0},
    )  # fmt: skip


def beyond(kind: str, n: int, rng: np.random.Generator) -> Iterator[Row]:
    """Tenure and value to twice the follow-up, by what continues the curves."""
    law = far_law(kind, rng)
    far = TIMES * max(law.follow_up)
    spec = spec_of(
        law, seeded(rng), value={"margin": MARGIN_SHARE, "horizon": far},
        analysis={
            "draws": DRAWS, "horizon": HORIZON, "tenure_horizons": [far], "given": [GIVEN], "seed": seeded(rng),
            "discount": DISCOUNT,
        },
    )  # fmt: skip
    counts = counts_of(law, n, spec, drawn(rng))
    spells, pairs, mix = spells_of(counts), pair_truths(law), mix_of(counts)
    found = spliced_results(spells, spec, rng)
    value, _ = value_results(spells, counts, generator(spec), found.tails)
    truths = [*curve_truths(pairs, mix, (far,)), *value_truths(pairs, mix, far)]
    for row in joined(standardised([*found.rows, *value]), truths):
        where = row["scenario"].replace(f"horizon={far}", _WHERE)
        if _WHERE in where or row["estimand"] == "tenure_median":
            yield {**row, "scenario": where}
