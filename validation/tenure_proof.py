"""Do observed curves continued, and averages of families, hold a known tenure at twice the follow-up and at ten years?

Cohorts followed for one or two years, of six truths; the restricted means are made as `cxlink fit` makes them.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.count.spells import Spells, each_pair, person_periods
from cxlink.estimands.model_rows.tenure_estimates import weights_of
from cxlink.estimands.tidy import intervals
from cxlink.groups.curves import Standard
from cxlink.groups.requests import Request
from cxlink.survival.families.averaging import members, project_all
from cxlink.survival.families.backtest import backtest
from cxlink.survival.families.extrapolation_warnings import spike
from cxlink.survival.families.fit import fit_all
from cxlink.survival.families.fitted import Fit
from cxlink.survival.families.projection_plan import Target
from cxlink.survival.survival import Survival
from cxlink.survival.tails.spliced_tenure import spliced
from validation.page import Page
from validation.process import Cell, CellTables, Proof, labelled, stacked
from validation.tenure_page import DRAWS, tenure_page
from validation.tenure_truths import LEVELS, LONGEST, YEAR, TenureTruth, drawn_spells, tenure_truths

SEED = 20140801
CUSTOMERS = (2_000, 50_000)
FOLLOW_UP = (YEAR, 2 * YEAR)
COHORTS, BLOCK = 200, 20
RIVALS_EVERY = 10
"""The averages take longer: they are set beside every tenth cohort."""
_SUMS = ["n", "held", "width", "error"]
Row = dict[str, Any]


def cells() -> list[Cell]:
    """Every truth with each number of customers and each follow-up."""
    return [
        Cell(
            {"process": name, "customers": customers, "follow_up": months}, (SEED, at, customers, months), COHORTS,
            BLOCK, partial(tallied, name, customers, months), added,
        )
        for (at, name), customers, months in product(enumerate(tenure_truths()), CUSTOMERS, FOLLOW_UP)
    ]  # fmt: skip


def tallied(
    process: str, customers: int, follow_up: int, cohorts: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw cohorts of a truth, and sum what their intervals hold."""
    truth = tenure_truths()[process]
    return summed(
        row
        for k in range(cohorts)
        for row in replicated(truth, customers, follow_up, rng, with_rivals=k % RIVALS_EVERY == 0)
    )


def added(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Add sums up."""
    return stacked(tables).groupby(["horizon", "model"], as_index=False)[_SUMS].sum()


def coverage(tables: CellTables) -> pd.DataFrame:
    """Coverage, mean width and mean error of every cell.

    Returns
    -------
    DataFrame
        ``process, customers, follow_up, horizon, model, n, coverage, width, error``; n counts levels and cohorts;
        width and error are relative to the truth. Rows without a model: ``coverage`` is the share of cohorts in which
        a spike was flagged.
    """
    table = labelled(tables)
    for name in _SUMS[1:]:
        table[name] = table[name] / table["n"]
    keys = ["process", "customers", "follow_up", "horizon", "model"]
    return table.rename(columns={"held": "coverage"}).sort_values(keys, ignore_index=True)


def page(tables: CellTables) -> Page:
    """Judge the coverage."""
    return tenure_page(coverage(tables))


def replicated(
    truth: TenureTruth, customers: int, follow_up: int, rng: np.random.Generator, *, with_rivals: bool = True
) -> Iterator[Row]:
    """Draw a cohort, and give the restricted means of `spliced`, of each average and of a constant hazard.

    Parameters
    ----------
    truth : TenureTruth
        The truth.
    customers, follow_up : int
        Scored, and months that they are followed.
    rng : Generator
        Advanced.
    with_rivals : bool
        Whether the averages and the constant hazard are made as well.

    Yields
    ------
    dict
        ``model, level, horizon, truth, estimate, conf_low, conf_high``, levels 1 to 3; and with an empty ``model``
        one row whose ``estimate`` says whether a spike was flagged.
    """
    spells = drawn_spells(truth, customers, follow_up, rng)
    ours, theirs = rng.spawn(2)
    horizons = (2 * follow_up, LONGEST) if follow_up == YEAR else (2 * follow_up,)
    sizes = [int(spells.n[spells.pair == k].sum()) for k in range(len(spells.levels))]
    target = Target(
        np.arange(len(sizes)), np.zeros(len(sizes), int), tuple(_alone(k, n) for k, n in enumerate(sizes)), horizons,
        np.full(len(sizes), follow_up), {"adjusted": "no", "stratum": "", "scenario": ""},
    )  # fmt: skip
    made = list(spliced(spells, [_request(spells, target)], DRAWS, ours, horizon=YEAR))
    made += _rivals(spells, target, theirs) if with_rivals else []
    for tenure in made:
        ends = intervals(tenure.area.draws[..., :-1], 0.95)
        for (g, h), estimate in np.ndenumerate(tenure.area.point[:, :-1]):
            level = spells.levels[g]
            yield {
                "model": tenure.model, "level": level, "horizon": horizons[h],
                "truth": _truth(truth, level, horizons[h]), "estimate": float(estimate),
                "conf_low": float(ends[1, g, h]), "conf_high": float(ends[2, g, h]),
            }  # fmt: skip
    flagged = spike(person_periods(spells)) is not None
    yield {"model": "", "level": 0, "horizon": 0, "truth": 1.0, "estimate": float(flagged)}


def _rivals(spells: Spells, target: Target, rng: np.random.Generator) -> list[Survival]:
    """Averages of the families, and a constant hazard."""
    periods = person_periods(spells)
    fits = [fit for fit in fit_all(periods) if isinstance(fit, Fit)]
    # what is averaged, and the constant hazard; families that stand for no class are chosen among, not projected
    shown = sorted({*members(fits), *(k for k, fit in enumerate(fits) if fit.family.name == "exponential")})
    tested = backtest([fits[k] for k in shown], periods, spells, ("levels", "location"), rng)
    kept = [fits[k] for k in shown]
    made = project_all(kept, target, weights_of(kept, tested), DRAWS, rng)
    return [one for one in made if one.model.startswith("averaged") or one.model == "exponential"]


def _alone(level: int, n: int) -> Standard:
    return Standard(str(level), np.array([level]), np.zeros(1, int), np.ones(1), n, 0)


def _request(spells: Spells, target: Target) -> Request:
    """Ask the same of a model that takes requests: each level by itself."""
    own = tuple(range(len(target.standards)))
    times = np.array([0, *target.horizons])
    return Request(
        target.labels, each_pair(spells), target.standards, own, (), times=times, horizons=target.horizons
    )


_KNOWN: dict[tuple[str, int, int], float] = {}


def _truth(truth: TenureTruth, level: int, horizon: int) -> float:
    """The restricted mean that is true; worked out once."""
    key = (truth.name, level, horizon)
    if key not in _KNOWN:
        _KNOWN[key] = truth.tenure(LEVELS.index(level), horizon)
    return _KNOWN[key]


def summed(rows: Iterable[Row]) -> pd.DataFrame:
    """Sums over replications of one cell: ``model, horizon, n, held, width, error`` over all levels.

    ``width`` and ``error`` are of the interval and of the estimate, relative to the truth; rows without a model count
    flagged spikes in ``held``.
    """
    sums: dict[tuple[str, int], np.ndarray] = {}
    for row in rows:
        if row["model"]:
            held = row["conf_low"] <= row["truth"] <= row["conf_high"]
            width = (row["conf_high"] - row["conf_low"]) / row["truth"]
            add = np.array([1.0, held, width, row["estimate"] / row["truth"] - 1])
        else:
            add = np.array([1.0, row["estimate"], 0.0, 0.0])
        key = (row["model"], row["horizon"])
        sums[key] = sums.get(key, np.zeros(4)) + add
    return pd.DataFrame(
        {"model": model, "horizon": horizon, **dict(zip(_SUMS, total, strict=True))}
        for (model, horizon), total in sums.items()
    )


TENURE = Proof(
    "tenure", "tenure beyond follow-up of laws in the menu of families, and a spike is flagged", cells, page
)
