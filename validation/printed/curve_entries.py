"""Entries of observed curves and means: by score, pooled, after late entry; a negative control; members."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from cxlink.cohort.count.counts import Counts, add_up
from cxlink.cohort.count.spells import spells_of
from cxlink.estimands.headline import headline_of
from cxlink.groups.headline_requests import curve_requests
from cxlink.metrics.members import member_rows
from cxlink.pooling import add_cohorts
from cxlink.sensitivity.negative_control import control_rows
from cxlink.sensitivity.sensitivity_analyses import sensitivity_of_headline
from validation.printed import exact_truths as exact
from validation.printed import further_truths as further
from validation.printed.entry import Row, drawn_cohort, joined, seeded, standardised
from validation.printed.exact_truths import mix_of, pair_truths
from validation.printed.planted_law import (
    HORIZON,
    LEVELS,
    WINDOW,
    PlantedLaw,
    counts_of,
    drawn,
    planted_laws,
    spec_of,
)  # fmt: skip

ENTRIES = (0, 3, 6)
"""Months since signup at the survey, of those who enter late."""
LATE_FOLLOW_UP = {6: 0.2, 12: 0.5, 18: 0.3}
ASKED_TWICE = 0.2
"""Share of the customers with a second score."""


def standardised_curves(
    counts: Counts, rng: np.random.Generator, repeats: pd.DataFrame | None = None
) -> list[Row]:
    """Make the standardised rows of a cohort's curves, and of the sensitivity analyses that read them."""
    spells, spec = spells_of(counts), counts.spec
    asked = [
        r for r in curve_requests(spells, spec)
        if r.labels["adjusted"] == "standardised" and not r.labels["stratum"]
    ]  # fmt: skip
    rows, _ = headline_of(
        spells, counts, asked, [], rng, beside=lambda c: sensitivity_of_headline(c, counts, repeats)
    )
    return standardised(rows)


def curves(law: str, n: int, rng: np.random.Generator) -> Iterator[Row]:
    """Curves, incidence, lags, remaining tenure, tipping point, and slopes corrected for measurement error."""
    asked, counts = drawn_cohort(law, n, rng)
    twice = counts.spec.cohort.model_copy(update={"repeat": "first"})
    counts = replace(counts, spec=counts.spec.model_copy(update={"cohort": twice}))
    pairs, mix = pair_truths(asked), mix_of(counts)
    again = _again()
    second = rng.multinomial(rng.binomial(mix.sum(axis=1).astype(int), ASKED_TWICE), again)
    first, later = np.meshgrid(LEVELS, LEVELS, indexing="ij")
    repeats = pd.DataFrame({"score": first.ravel(), "again": later.ravel(), "n": second.ravel()})
    share = asked.share.sum(axis=(1, 2))
    off = np.array(LEVELS) - share @ np.array(LEVELS)
    calibration = float(share @ (off * (again @ np.array(LEVELS))) / (share @ off**2))
    truths = [
        *exact.curve_truths(pairs, mix), *further.tipping_truth(pairs, mix),
        *further.slope_truths(pairs, mix, calibration),
    ]  # fmt: skip
    yield from joined(standardised_curves(counts, rng, repeats[repeats["n"] > 0]), truths)


def _again() -> np.ndarray:
    """Second scores by the first: around a point six tenths as far from the middle, cut to the scale."""
    middle = 3 + 0.6 * (np.array(LEVELS)[:, None] - 3)
    weight = np.exp(-0.5 * ((np.array(LEVELS) - middle) / 0.9) ** 2)
    shares: np.ndarray = weight / weight.sum(axis=1, keepdims=True)
    return shares


def pooled(law: str, n: int, rng: np.random.Generator) -> Iterator[Row]:
    """Curves of a cohort added to an earlier one in which the score acted otherwise."""
    earlier = planted_laws()["fading"]
    old = counts_of(earlier, n / 2, spec_of(earlier, 0, "earlier"), drawn(rng))
    asked = planted_laws()[law]
    counts = counts_of(asked, n, spec_of(asked, seeded(rng), "new"), drawn(rng))
    pairs = exact.beside([pair_truths(earlier), pair_truths(asked)])
    mix = np.concatenate([mix_of(old), mix_of(counts)], axis=1)
    yield from joined(
        standardised_curves(add_cohorts(counts, {"earlier": old}), rng), exact.curve_truths(pairs, mix)
    )


def late(law: str, n: int, rng: np.random.Generator) -> Iterator[Row]:
    """Curves of customers whose time counts from signup, and who enter at the survey."""
    signup = {"duration": "months", "event": "lost", "cause": "why", "entry": "since"}
    asked = planted_laws()[law]
    spec = spec_of(asked, seeded(rng), subscription=signup)
    parts = []
    for entry, size in zip(ENTRIES, rng.multinomial(n, np.full(len(ENTRIES), 1 / len(ENTRIES))), strict=True):
        share = asked.of_kind * asked.survival[..., entry]
        share *= asked.share.sum(axis=2, keepdims=True) / share.sum(axis=2, keepdims=True)
        rest = replace(asked, share=share, hazard=asked.hazard[..., entry:], follow_up=LATE_FOLLOW_UP)
        part = counts_of(rest, size, spec, drawn(rng))
        parts.append(part.scored.assign(entry=entry, exit=part.scored["exit"] + entry))
    counts = replace(part, cells=pd.concat(parts, ignore_index=True))
    pairs = pair_truths(asked)
    truths = exact.curve_truths(
        exact.beside([pairs.after(entry) for entry in ENTRIES]), mix_of(counts, "entry")
    )
    yield from joined(standardised_curves(counts, rng), truths)


def control(law: str, n: int, rng: np.random.Generator) -> Iterator[Row]:
    """Contrasts of a negative control; in two laws the score tells nothing of it within a plan, in two it does."""
    asked, counts = drawn_cohort(law, n, rng)
    rows, _ = control_rows(counts, rng)
    yield from joined(standardised(rows), further.control_truths(pair_truths(asked), mix_of(counts)))


def members(law: str, n: int, rng: np.random.Generator) -> Iterator[Row]:
    """Retention and spend of members, who are the premium plan here, against others, standardised to the scores."""
    asked, counts = drawn_cohort(law, n, rng)
    mix = mix_of(counts)
    cells = counts.scored
    cells = cells.assign(member=np.where(cells["stratum.plan"] == "premium", "yes", "no"))
    counts = replace(counts, cells=add_up(cells.assign(**{"stratum.plan": cells["score"].astype(str)})))
    yield from joined(member_rows(counts, rng), member_truths(asked, mix.sum(axis=1)))


def member_truths(law: PlantedLaw, levels: np.ndarray) -> Iterator[Row]:
    """Give retention and spend of both sides: within a score, others are of two plans as the law has them."""
    pairs, share = pair_truths(law), law.share.sum(axis=2)
    spent = pairs.earned[..., :WINDOW].sum(axis=-1)
    weight = levels / levels.sum()
    for name, by_pair in (("retention", pairs.survival[..., HORIZON]), ("spend", spent)):
        yes = float(weight @ by_pair[:, 2])
        no = float(weight @ ((share * by_pair)[:, :2].sum(axis=1) / share[:, :2].sum(axis=1)))
        known = {"version": "standardised"}
        for category, truth in (("yes", yes), ("no", no)):
            yield {**known, "metric": f"member_{name}", "category": category, "truth": truth}
        yield {**known, "metric": f"member_{name}_difference", "truth": yes - no}
        yield {**known, "metric": f"member_{name}_ratio", "truth": yes / no}
