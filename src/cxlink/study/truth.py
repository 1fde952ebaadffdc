"""True values of the simulated populations: exact sums over strata and unobserved classes, no random numbers."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal

import numpy as np
import pandas as pd

from cxlink.cohort.errors import InputError
from cxlink.estimands.tidy import KEY
from cxlink.groups.curves import restricted_mean
from cxlink.study.population import HORIZON, LEVELS, MONTHS, WINDOW, population, subscription, transaction

Design = Literal["subscription", "transaction"]
DESIGNS: tuple[Design, ...] = ("subscription", "transaction")
TRUTH_COLUMNS = (*KEY, "estimate", "unit")
RETENTION_HORIZONS = (HORIZON, 24, 36, 60, 120)
TENURE_HORIZONS = (HORIZON, 36, 60, 120)

BANDS: dict[Design, dict[str, tuple[int, ...]]] = {
    "subscription": {"worst": (1,), "best": (9, 10)},
    "transaction": {"worst": (1, 2, 3), "best": (10,), "1-3": (1, 2, 3), "4-6": (4, 5, 6)},
}
RELATIVE_TO_POOREST = ("10:1-3", "9:1-3", "8:1-3", "7:1-3", "4-6:1-3")
Adjusted = Literal["no", "standardised"]


def checked_design(design: str) -> Design:
    """Check the name of a design.

    Raises
    ------
    InputError
        If there is no such design.
    """
    for name in DESIGNS:
        if design == name:
            return name
    raise InputError(f"{design!r} is not a design. Choose {' or '.join(DESIGNS)}.")


def groups(design: Design) -> dict[str, tuple[int, ...]]:
    """Names of the reported groups and their levels."""
    return {"all": LEVELS, **BANDS[design], **{str(level): (level,) for level in LEVELS}}


def contrasts(design: Design) -> tuple[tuple[str, str], ...]:
    """Name the contrasts: best against worst, every level against worst, and the published ones."""
    worst = BANDS[design]["worst"]
    levels = [(str(level), "worst") for level in LEVELS if level not in worst]
    published = [tuple(text.split(":")) for text in RELATIVE_TO_POOREST] if design == "transaction" else []
    return (("best", "worst"), *levels, *((group, reference) for group, reference in published))


def weights(levels: tuple[int, ...], adjusted: Adjusted) -> np.ndarray:
    """Weights of strata and levels in a group's mean.

    Parameters
    ----------
    levels : tuple of int
        The group.
    adjusted : str
        ``standardised``: the strata of all scored customers, the group's levels by their shares among them;
        ``no``: the group without adjustment, strata confounded with scores.

    Returns
    -------
    ndarray of shape (n_strata, n_levels)
        Sums to 1.
    """
    who = population()
    at = np.isin(LEVELS, levels)
    mass = np.outer(who.weight, who.level_share) if adjusted == "standardised" else who.scored
    restricted: np.ndarray = np.where(at, mass, 0.0)
    share: np.ndarray = restricted / restricted.sum()
    return share


@cache
def cell_survival() -> np.ndarray:
    """S(t), t = 0, 1, … months, averaged over the unobserved classes: shape (n_strata, n_levels, MONTHS + 1)."""
    design = subscription()
    survival = np.zeros((*design.rate.shape, design.cumulative.size))
    for frailty, share in zip(design.frailty, design.frailty_share.T, strict=True):
        survival += share[:, None, None] * np.exp(-frailty * design.rate[:, :, None] * design.cumulative)
    return survival


def cell_spend(design: Design) -> np.ndarray:
    """Mean spend over the window, zeros included: EUR, shape (n_strata, n_levels).

    A subscriber pays at the beginning of each month, the one of the loss included: fee · Σ_{j=0..11} S(j).
    """
    if design == "subscription":
        months_paid: np.ndarray = cell_survival()[:, :, :WINDOW].sum(axis=2)
        paid: np.ndarray = subscription().fee[:, None] * months_paid
        return paid
    design_ = transaction()
    spend: np.ndarray = np.einsum("gk,gsk,gsk->gs", design_.class_share, design_.buys, design_.mean)
    return spend


def true_survival(levels: tuple[int, ...], adjusted: Adjusted = "standardised") -> np.ndarray:
    """S(t) of a group of the subscription business at t = 0, 1, … MONTHS, shape (MONTHS + 1,).

    Parameters
    ----------
    levels : tuple of int
        The group.
    adjusted : str
        See `weights`.
    """
    survival: np.ndarray = np.einsum("gs,gst->t", weights(levels, adjusted), cell_survival())
    return survival


def truth(design: Design) -> pd.DataFrame:
    """Tabulate the true values of a design's whole population, unadjusted and standardised.

    Parameters
    ----------
    design : str
        ``subscription`` or ``transaction``.

    Returns
    -------
    DataFrame
        One row a quantity: the columns of the estimates table up to ``scenario`` (``model`` is ``truth``,
        groups as in `groups`), then ``estimate`` and ``unit``.

    Raises
    ------
    InputError
        If there is no such design, or the published figures are not there.
    """
    return _tabulated(checked_design(design)).copy()


@cache
def _tabulated(design: Design) -> pd.DataFrame:
    adjustments: tuple[Adjusted, ...] = ("no", "standardised")
    rows = [row for adjusted in adjustments for row in _rows(design, adjusted)]
    table = pd.DataFrame(rows, columns=list(TRUTH_COLUMNS))
    table["horizon"] = table["horizon"].astype("Int64")
    return table.sort_values(list(KEY), na_position="first", kind="stable", ignore_index=True)


def _rows(design: Design, adjusted: Adjusted) -> Iterator[dict[str, Any]]:
    levels_of = groups(design)
    if design == "subscription":
        curves = {group: true_survival(levels, adjusted) for group, levels in levels_of.items()}
        for horizon in RETENTION_HORIZONS:
            retention = {group: float(curve[horizon]) for group, curve in curves.items()}
            yield from quantity_rows(
                ("retention", "probability", horizon), retention, contrasts(design), adjusted
            )
        for horizon in TENURE_HORIZONS:
            stayed = {group: float(restricted_mean(curve, horizon)) for group, curve in curves.items()}
            yield from quantity_rows(("tenure", "month", horizon), stayed, contrasts(design), adjusted)
        mean = {group: float(restricted_mean(curve, MONTHS)) for group, curve in curves.items()}
        yield from quantity_rows(("tenure_mean", "month", None), mean, (), adjusted)
    cells = cell_spend(design)
    spent = {group: float((weights(levels, adjusted) * cells).sum()) for group, levels in levels_of.items()}
    yield from quantity_rows(("spend", "EUR", None), spent, contrasts(design), adjusted)


def quantity_rows(
    quantity: tuple[str, str, int | None],
    value: Mapping[str, float],
    pairs: tuple[tuple[str, str], ...],
    adjusted: Adjusted,
) -> Iterator[dict[str, Any]]:
    """Rows of one quantity (estimand, unit, horizon): every group's, then differences and ratios."""
    estimand, unit, horizon = quantity
    labels = {
        "model": "truth", "reference": "", "horizon": horizon, "adjusted": adjusted,
        "stratum": "", "cause": "", "given": 0, "scenario": "",
    }  # fmt: skip
    for group, estimate in value.items():
        yield labels | {"estimand": estimand, "group": group, "estimate": estimate, "unit": unit}
    for group, reference in pairs:
        pair = labels | {"group": group, "reference": reference}
        difference, ratio = value[group] - value[reference], value[group] / value[reference]
        yield pair | {"estimand": f"{estimand}_difference", "estimate": difference, "unit": unit}
        yield pair | {"estimand": f"{estimand}_ratio", "estimate": ratio, "unit": "ratio"}
