"""Do intervals with an anchor hold the truth? ``python -m validation.extrapolation.anchor_trial``.

A small trial, no proof: forty laws drawn at random, one cohort of each, followed for a year, and the share of an older
cohort of two thousand that stayed five years. The laws are those of `drawn_laws`' piecewise class but for their length:
from one to three months, anywhere from a tenth of follow-up to ten times it, the log hazard differs by normal(0, .5),
so that no model holds them. The older cohort's hazards are this one's times a factor, log normal with the standard
deviation that is taken between cohorts of one firm.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from cxlink.cohort.count.spells import Spells
from cxlink.cohort.spec.anchor_texts import EVERYBODY, Anchor
from cxlink.groups.requests import Request
from cxlink.survival.anchors.anchored_tails import anchored
from cxlink.survival.anchors.cohort_differences import cohort_difference
from cxlink.survival.tails.spliced_tenure import spliced
from cxlink.survival.tails.tails import Tails, tails_of
from validation.extrapolation.drawn_laws import LEVEL_SHARE, STRATA, STRATUM_SHARE
from validation.extrapolation.long_law import LongLaw, drawn_cohort, request_of, spec_of, truths

LAWS, SEED, DRAWS = 40, 20261130, 500
FOLLOWED, ANCHORED, HORIZONS = 12, 60, (60, 120)
CUSTOMERS, OLDER = 20_000, 2_000
_LEVEL = 0.95


def anchor_law(rng: np.random.Generator) -> LongLaw:
    """Draw a law whose hazards break at any time, by level, stratum and month."""
    month = np.arange(1.0, max(HORIZONS) + 1)
    fall, floor, kept = rng.uniform(0, 0.6), rng.uniform(), rng.uniform(0.4, 0.85)
    log_hazard = np.log((1 - floor) * month**-fall + floor)
    for _ in range(rng.integers(1, 4)):
        place = np.exp(rng.uniform(np.log(FOLLOWED / 10), np.log(10 * FOLLOWED)))
        log_hazard = log_hazard + rng.normal(0, 0.5) * (month > place)
    effect = rng.uniform(0.3, 1.5) * np.linspace(0.5, -0.5, 5) + rng.normal(0, 0.1, 5)
    pair = effect[:, None] + rng.normal(0, 0.4, 3) + rng.normal(0, 0.1, (5, 3))
    log_hazard = log_hazard + pair[..., None]
    log_hazard += np.log(-np.log(kept) / np.exp(log_hazard[2, 1])[:FOLLOWED].sum())
    total = np.cumsum(np.exp(log_hazard), axis=-1)
    log_survival = -np.concatenate([np.zeros((5, 3, 1)), total], axis=-1)
    observed = np.zeros(FOLLOWED)
    observed[-1] = 1.0
    share = np.outer(LEVEL_SHARE, STRATUM_SHARE)
    return LongLaw("anchored", share / share.sum(), STRATA, log_survival, observed, (1,), (5,))


def older_share(law: LongLaw, rng: np.random.Generator) -> Anchor:
    """Draw what an older cohort is known to have kept."""
    factor = np.exp(rng.normal(0, cohort_difference()))
    kept = float((law.share * np.exp(factor * law.log_survival[..., ANCHORED])).sum())
    n = rng.binomial(OLDER, kept)
    share = float(np.clip(n, 0.5, OLDER - 0.5)) / OLDER
    return Anchor("older", EVERYBODY, 0, ANCHORED, share, float(OLDER))


def judged(
    law: LongLaw, spells: Spells, request: Request, tails: Tails, seed: int
) -> Iterator[dict[str, object]]:
    """Set intervals of each level's mean tenure beside the truth."""
    (made,) = spliced(spells, [request], DRAWS, np.random.default_rng(seed), horizon=FOLLOWED, tails=tails)
    low, high = np.quantile(
        made.area.draws[..., : len(HORIZONS)], [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2], axis=0
    )
    true = {(row["group"], row["horizon"]): row["truth"] for row in truths(law, spells, request, HORIZONS)
            if row["estimand"] == "tenure"}  # fmt: skip
    for g, group in enumerate(made.groups):
        for h, horizon in enumerate(HORIZONS):
            if group.isdigit() and g in made.own:
                value = true[group, horizon]
                yield {
                    "horizon": horizon, "held": low[g, h] <= value <= high[g, h], "width": high[g, h] - low[g, h],
                    "error": abs(made.area.point[g, h] - value),
                }  # fmt: skip


def trial(laws: int = LAWS, seed: int = SEED) -> pd.DataFrame:
    """Judge one cohort of each law, without and with its anchor.

    Returns
    -------
    DataFrame
        ``law, anchored, used, horizon, held, width, error``: means over the score levels.
    """
    tables = []
    for k in range(laws):
        rng = np.random.default_rng([seed, k])
        law = anchor_law(rng)
        spells, anchor = drawn_cohort(law, CUSTOMERS, rng), older_share(law, rng)
        request = request_of(spells, spec_of(law, HORIZONS, DRAWS))
        asked = replace(request, times=np.array([0, *HORIZONS]), horizons=HORIZONS)
        bare = tails_of(spells, rng)
        levels = {anchor: tuple(range(len(spells.levels)))}
        given = anchored(bare, spells, levels, (DRAWS, rng), horizon=FOLLOWED)
        for name, tails in ((False, bare), (True, given)):
            rows = pd.DataFrame(judged(law, spells, asked, tails, k))
            means = rows.groupby("horizon", as_index=False)[["held", "width", "error"]].mean()
            tables.append(means.assign(law=k, anchored=name, used=given.anchoring is not None))
    return pd.concat(tables, ignore_index=True)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Give coverage with its standard error over laws, mean width and error, without and with an anchor."""
    grouped = table.groupby(["horizon", "anchored"])
    means: pd.DataFrame = grouped[["held", "width", "error"]].mean()
    return means.assign(held_error=grouped["held"].std() / np.sqrt(grouped.size()), laws=grouped.size())


def _shown(tables: Sequence[pd.DataFrame]) -> None:
    for table in tables:
        print(table.round(3).to_string())


if __name__ == "__main__":
    found = trial()
    _shown([summary(found), found.groupby("law")["used"].first().value_counts().to_frame()])
