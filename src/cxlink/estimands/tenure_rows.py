"""Rows of expected tenure and projected retention: restricted, unrestricted, remaining, discounted, curtate."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlink.estimands.tidy import intervals, ready_row
from cxlink.survival.families.projected_tenure import ProjectedDraws, Tenure

Row = dict[str, Any]
_DRAWN = ("worst", "best", "all")


def tenure_rows(
    tenure: Tenure, unit: str, level: float, contrasts: Sequence[tuple[str, str]] = ()
) -> list[Row]:
    """All rows of one model, family or average.

    Parameters
    ----------
    tenure : Tenure
        What it says.
    unit : str
        Of the clock: ``month``.
    level : float
        Coverage of the intervals.
    contrasts : sequence of (group, reference)
        Names of reported groups; those that were not estimated have no row.

    Returns
    -------
    list of dict
        ``retention``, ``tenure``, ``tenure_discounted`` and ``tenure_curtate`` at each horizon; ``tenure_mean``,
        ``tenure_median``, and ``tenure_discounted`` without one; ``remaining_tenure`` of those who have stayed
        ``given`` periods, to each horizon from there and without one; of the contrasts, difference and ratio of the
        first two. ``extrapolated`` of a contrast is the larger one of its sides.
    """
    return [*_own(tenure, unit, level), *_contrasts(tenure, unit, level, contrasts)]


def _own(tenure: Tenure, unit: str, level: float) -> Iterator[Row]:
    ends = (*tenure.horizons, None)
    beyond = tenure.beyond_areas
    to_horizons, to_end = beyond[:, 0, :-1], beyond[:, 0]
    parts: list[tuple[str, ProjectedDraws, str, np.ndarray]] = [
        ("retention", tenure.retention, "probability", tenure.beyond_retention),
        ("tenure", tenure.restricted, unit, to_horizons),
        ("tenure_curtate", tenure.curtate, unit, to_horizons),
        ("tenure_discounted", tenure.discounted, unit, to_end),
        ("tenure_mean", _column(tenure.mean), unit, to_end[:, -1:]),
        ("tenure_median", _column(tenure.median), unit, tenure.beyond_median[:, None]),
    ]
    for estimand, drawn, own_unit, extrapolated in parts:
        found = intervals(drawn.draws, level)
        at = ends if drawn.point.shape[1] > 1 or estimand not in ("tenure_mean", "tenure_median") else (None,)
        for (g, h), point in np.ndenumerate(drawn.point):
            columns: Row = {**_common(tenure, g), "extrapolated": extrapolated[g, h]}
            if at[h] is not None:
                columns["horizon"] = at[h]
            yield ready_row(estimand, point, found[:, g, h], level, own_unit, **columns)
    found = intervals(tenure.remaining.draws, level)
    for (g, k, h), point in np.ndenumerate(tenure.remaining.point):
        columns = {
            **_common(tenure, g), "given": tenure.given[k], "extrapolated": beyond[g, k + 1, h],
            **({} if ends[h] is None else {"horizon": ends[h]}),
        }  # fmt: skip
        yield ready_row("remaining_tenure", point, found[:, g, k, h], level, unit, **columns)


def _column(drawn: ProjectedDraws) -> ProjectedDraws:
    return ProjectedDraws(drawn.point[:, None], drawn.draws[:, :, None])


def _contrasts(
    tenure: Tenure, unit: str, level: float, contrasts: Sequence[tuple[str, str]]
) -> Iterator[Row]:
    position = {name: g for g, name in enumerate(tenure.groups)}
    known = [(position[a], position[b]) for a, b in contrasts if a in position and b in position]
    if not known:
        return
    group, reference = np.array(known).T
    for name, drawn, own_unit, beyond in (
        ("retention", tenure.retention, "probability", tenure.beyond_retention),
        ("tenure", tenure.restricted, unit, tenure.beyond_areas[:, 0, :-1]),
    ):
        a, b = drawn.point[group], drawn.point[reference]
        a_draws, b_draws = drawn.draws[:, group], drawn.draws[:, reference]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            made = (
                ("difference", own_unit, a - b, a_draws - b_draws),
                ("ratio", "ratio", a / b, a_draws / b_draws),
            )
        for kind, its_unit, point, draws in made:
            found = intervals(draws, level)
            for (c, h), value in np.ndenumerate(point):
                columns: Row = {
                    **_common(tenure, int(group[c])), "reference": tenure.groups[int(reference[c])],
                    "horizon": tenure.horizons[h],
                    "extrapolated": max(beyond[group[c], h], beyond[reference[c], h]),
                }  # fmt: skip
                yield ready_row(f"{name}_{kind}", value, found[:, c, h], level, its_unit, **columns)


def _common(tenure: Tenure, g: int) -> Row:
    return {
        **tenure.labels, "model": tenure.model, "group": tenure.groups[g],
        "n": int(tenure.n[g]), "n_events": int(tenure.n_events[g]),
    }  # fmt: skip


def curve_frames(tenure: Tenure, level: float) -> list[pd.DataFrame]:
    """Fitted survival of the bands and of everybody, with its interval: for figures.

    Returns
    -------
    list of DataFrame
        ``model, adjusted, scenario, group, time, estimate, conf_low, conf_high``, one a group.
    """
    shown = [g for g, group in enumerate(tenure.groups) if group in _DRAWN]
    found = intervals(tenure.plot.draws[:, shown].astype(float), level)
    return [
        pd.DataFrame({
            "model": tenure.model, "adjusted": tenure.labels["adjusted"],
            "scenario": tenure.labels.get("scenario", ""), "group": tenure.groups[g], "time": tenure.plot_times,
            "estimate": tenure.plot.point[g].astype(float), "conf_low": found[1, k], "conf_high": found[2, k],
        })
        for k, g in enumerate(shown)
    ]  # fmt: skip
