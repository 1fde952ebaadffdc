"""The headline of 1,500 customers over ten levels and twelve strata: what is then printed, by the fallback estimators.

The score's log hazard ratio and log ratio of spend are straight lines, with a normal(0, .1) of their own in each pair
of level and stratum (drawn once): the mild interactions under which additive models are to hold 90 to 99 %. Spend that
is paid month by month while a customer stays has stronger ones: it is tried as well.
"""

from collections.abc import Iterator
from functools import cache

import numpy as np

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.estimands.fallback import stepped_down, thin
from cxlink.estimands.headline import headline
from cxlink.estimands.model_rows.hazard_rows import hazard_results
from cxlink.estimands.model_rows.regression_rows import spend_model_rows
from cxlink.study.cells import draw, spec_of
from cxlink.study.population import LEVELS, by_band, by_need, population
from cxlink.study.processes import LONGEST, Process, Spending
from cxlink.study.replications import true_values
from validation.printed.entry import Row
from validation.printed.planted_law import DRAWS

MILD, PAID_BY_MONTH = "mild_interactions", "paid_by_month"
LAWS = {
    MILD: (
        "Ten levels, twelve strata: straight lines of the score, with a normal(0, .1) on the log hazard and on the log "
        "mean of spend in each pair of level and stratum."
    ),
    PAID_BY_MONTH: (
        "The same, but a fee is paid in each month that a customer stays, and the share who pay is linear in the "
        "score: the effect of the worst level on the log mean of spend has a standard deviation of .3 between strata. "
        "Stronger interactions than the additive model allows for."
    ),
}  # fmt: skip
_SPREAD, _SEED, _WINDOW = 0.1, 20261129, 12


@cache
def small_process(name: str) -> Process:
    """Make a process of `LAWS`; hazards fall within the first half-year."""
    rng = np.random.default_rng(_SEED)
    points = (np.array(LEVELS) - 5.5) / 4.5
    stratum = (by_need((0.5, 0.0, -0.5)) + by_band((0.35, 0.1, -0.1, -0.3)))[:, None]
    shape = (len(stratum), len(LEVELS))
    log_hazard = stratum - 0.7 * points + rng.normal(0, _SPREAD, shape)
    month = np.arange(1, LONGEST + 1)
    total = np.cumsum(0.04 * (1 + np.exp(-month / 6)) * np.exp(log_hazard)[..., None], axis=-1)
    survival = np.exp(-np.concatenate([np.zeros((*shape, 1)), total], axis=-1))
    mean = 200 * np.exp(-0.5 * stratum + 0.3 * points + rng.normal(0, _SPREAD, shape))
    buys = np.clip(0.6 + 0.2 * points - 0.2 * stratum, 0.05, 1)
    if name == MILD:  # the fee of those who pay, by which spend over the window has the mean above
        mean /= buys * survival[..., :_WINDOW].mean(axis=-1)
    spending = Spending(
        np.ones((len(stratum), 1)), buys[..., None], mean[..., None], np.full(len(stratum), 0.5)
    )
    return Process(name, LAWS[name], True, population().scored, survival, spending, (1,), (9, 10))


def small(law: str, n: int, rng: np.random.Generator) -> Iterator[Row]:
    """The rows of page one, by whichever estimator holds the headline."""
    process = small_process(law)
    counts = draw(process, n, spec_of(process, DRAWS), rng)
    truth = true_values(process, counts)
    for row in leading(counts, rng):
        key = row["estimand"], row["group"], row.get("reference", "")
        if key in truth:
            # one estimand by whichever model: how often each was it does not matter to who reads page one
            yield {**row, "model": "", "adjusted": "", "scenario": "", "truth": truth[key]}


def leading(counts: Counts, rng: np.random.Generator) -> list[Row]:
    """Rows of the headline, as an analysis chooses them."""
    spells, spec = spells_of(counts), counts.spec
    rows, findings = headline(spells, counts, rng)
    further: list[Row] = []
    if thin(findings, "means", spec):
        further += spend_model_rows(counts, spells, rows, rng, leads=True)[0]
    if thin(findings, "kaplan_meier", spec):
        further += hazard_results(spells, spec, rng, leads=True)[0]
    kept, _ = stepped_down(rows, findings, further, spec)
    return [row for row in [*kept, *further] if row.get("headline")]
