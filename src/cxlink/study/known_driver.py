"""Three scores of simulated customers, of which one acts: what each tells alone and beside the others."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort
from cxlink.estimands.tidy import select
from cxlink.metrics.drivers.driver_frame import driver_frame, score_labels
from cxlink.metrics.drivers.driver_rows import drivers_of
from cxlink.metrics.drivers.joint_cells import joint_cells
from cxlink.metrics.drivers.partial_contrasts import PointContrast, retention_contrasts
from cxlink.study.simulate import simulate

CUSTOMERS = 40_000
COLUMNS = (
    "score", "horizon", "base", "customers", "truth",
    "alone", "alone_low", "alone_high", "beside_others", "beside_others_low", "beside_others_high",
    "gain_alone", "gain_alone_low", "gain_alone_high", "gain_beyond", "gain_beyond_low", "gain_beyond_high",
)  # fmt: skip


def known_driver(seed: int, n: int = CUSTOMERS) -> pd.DataFrame:
    """Simulate subscribers with three scores and compare the scores.

    Parameters
    ----------
    seed : int
        Of the cohort.
    n : int
        Customers in the base.

    Returns
    -------
    DataFrame
        `COLUMNS`, one row a score: retention at the horizon per point towards better, as a share of the customers.
        ``truth`` and ``beside_others`` with the other scores held constant, ``alone`` without them; all adjusted for
        the strata. ``gain_alone`` and ``gain_beyond`` (the others) in thousandths of a nat a customer. 95 % intervals.
        Empty where the scores of so few customers are not compared.
    """
    made = simulate("subscription", n, seed, scores=True)
    counts = read_cohort(made.table, make_spec(made.spec)).count()
    own = select(made.truth, estimand="driver_retention_contrast")
    truth = dict(zip(own["group"], own["estimate"].astype(float), strict=True))
    return pd.DataFrame(_rows(counts, truth, seed), columns=list(COLUMNS))


def _rows(counts: Counts, truth: dict[str, float], seed: int) -> Iterator[dict[str, Any]]:
    held, spec = counts.drivers, counts.spec
    gains = driver_frame(drivers_of(counts, np.random.default_rng([seed, 3])).table, spec)
    gains = gains[gains["outcome"] == "retention"]
    if held is None or not len(gains):  # too few customers
        return
    columns = [gains[name] for name in ("quantity", "score", "estimate", "conf_low", "conf_high")]
    gained = {(quantity, score): ends for quantity, score, *ends in zip(*columns, strict=True)}
    cells = joint_cells(held, spec)
    together = {one.name: one for one in retention_contrasts(cells)}
    base = counts.profile.rows_read
    for score in cells.scores:
        (alone,) = retention_contrasts(replace(cells, scores=(score,)))
        yield {
            "score": score_labels(spec)[score.name], "horizon": spec.horizon, "base": base,
            "customers": alone.n, "truth": truth[score.name],
            **_with_limits("alone", alone), **_with_limits("beside_others", together[score.name]),
            **{
                f"gain_{name}{end}": value
                for name in ("alone", "beyond")
                for end, value in zip(("", "_low", "_high"), gained[name, score.name], strict=True)
            },
        }  # fmt: skip


def _with_limits(name: str, contrast: PointContrast) -> dict[str, float]:
    reach = float(ndtri(0.975)) * contrast.std_error
    ends = {"": 0.0, "_low": -reach, "_high": reach}
    return {f"{name}{end}": contrast.estimate + step for end, step in ends.items()}
