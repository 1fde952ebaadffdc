"""The cohort's customers as they are, or as if each had a variable at given values; and contrasts between those."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.scales import parse_levels
from cxlink.estimands.tidy import intervals
from cxlink.fits.formulas.model_cells import ModelCells
from cxlink.fits.formulas.profile_design import ProfileDesign

Profiles = pd.DataFrame | Mapping[str, Any] | Sequence[Mapping[str, Any]]
Population = list[tuple[pd.DataFrame, np.ndarray]]
"""Profiles and the weight of each, in parts; weights sum to 1 over all."""


def populations_of(
    design: ProfileDesign,
    cells: ModelCells,
    weight: np.ndarray,
    variable: str,
    *,
    at: Mapping[str, Any] | None = None,
    per: float | None = None,
) -> dict[str, Population]:
    """Give the populations that are compared: the same customers with a variable at other values.

    Parameters
    ----------
    design : ProfileDesign
        Of the model.
    cells : ModelCells
        The cohort.
    weight : ndarray of shape (n_profiles,)
        Customers averaged over.
    variable : str
        Of the formula.
    at : mapping of str to values, optional
        Named groups of values; the spec's best and worst levels of the score by default.
    per : float, optional
        Of a number: everybody at so much more, against as they are.

    Raises
    ------
    InputError
        If the formula lacks the variable, it is not a number where ``per`` is given, or nobody has a value.
    """
    if variable not in design.formula.variables:
        raise InputError(f"the model has no {variable!r}; it has {', '.join(design.formula.variables)}.")
    profiles, share = cells.profiles, weight / weight.sum()
    if per is not None:
        if variable in design.levels:
            raise InputError(f"{variable} is a category: compare its values by at=, not per=.")
        moved = profiles.assign(**{variable: profiles[variable] + per})
        return {f"{variable} + {per:g}": [(moved, share)], variable: [(profiles, share)]}
    groups = (
        {"best": cells.spec.best, "worst": cells.spec.worst} if at is None and variable == "score" else at
    )
    if groups is None:
        raise InputError(f"say at which values of {variable}: at={{'name': [values]}}, or per=1 of a number.")
    populations: dict[str, Population] = {}
    for name, values in groups.items():
        shares = _shares(profiles[variable], share, values)
        if not shares:
            raise InputError(f"nobody in the cohort has a {variable} of {values}.")
        populations[name] = [
            (profiles.assign(**{variable: value}), share * part) for value, part in shares.items()
        ]
    return populations


def as_profiles(profiles: Profiles) -> pd.DataFrame:
    """Profiles as a frame, one row each."""
    if isinstance(profiles, pd.DataFrame):
        return profiles.reset_index(drop=True)
    return pd.DataFrame([profiles] if isinstance(profiles, Mapping) else list(profiles))


def contrasts_table(values: Mapping[str, tuple[float, np.ndarray]], level: float) -> pd.DataFrame:
    """Means of groups, and the first one's contrasts with the others: difference and ratio.

    Parameters
    ----------
    values : mapping of str to (float, ndarray of shape (n_draws,))
        Estimate and draws by group.
    level : float
        Of the intervals.
    """
    names = list(values)
    rows = [_contrast(name, "", "mean", *values[name], level=level) for name in names]
    (first, *others) = names
    with np.errstate(divide="ignore", invalid="ignore"):
        for other in others:
            (a, a_draws), (b, b_draws) = values[first], values[other]
            rows.append(_contrast(first, other, "difference", a - b, a_draws - b_draws, level=level))
            rows.append(
                _contrast(first, other, "ratio", float(np.divide(a, b)), a_draws / b_draws, level=level)
            )
    return pd.DataFrame(rows)


def mean_rows(design: ProfileDesign, population: Population) -> np.ndarray:
    """Mean over a population of the constant and the columns of a design, of shape (1 + n_columns,)."""
    parts = [weight @ design.matrix(profiles) for profiles, weight in population]
    mean: np.ndarray = np.concatenate([[1.0], np.sum(parts, axis=0)])
    return mean


def sums_of(table: pd.DataFrame, rows: Mapping[str, np.ndarray]) -> np.ndarray:
    """Sums of coefficients that rows of contrasts are about: a group's mean row, less that of its reference."""
    nothing = 0.0 * next(iter(rows.values()))
    pairs = zip(table["group"], table["reference"], strict=True)
    return np.array([rows[group] - (rows[reference] if reference else nothing) for group, reference in pairs])


def _contrast(
    group: str, reference: str, measure: str, point: float, draws: np.ndarray, *, level: float
) -> dict[str, Any]:
    ends = interval(np.array([point]), draws[:, None], level)
    return {
        "group": group, "reference": reference, "measure": measure, **{k: float(v[0]) for k, v in ends.items()},
    }  # fmt: skip


def interval(point: np.ndarray, draws: np.ndarray, level: float) -> dict[str, np.ndarray]:
    """Estimate, standard error and interval of quantities (n,) with draws (n_draws, n), as in a run folder."""
    error, low, high = intervals(draws, level)
    return {"estimate": point, "std_error": error, "conf_low": low, "conf_high": high}


def _shares(column: pd.Series, weight: np.ndarray, values: Any) -> dict[Any, float]:
    """Share of each value among the customers who have one of the values."""
    wanted = parse_levels(values) if isinstance(values, str) and column.name == "score" else values
    listed = list(wanted) if isinstance(wanted, list | tuple | set | range) else [wanted]
    total = {value: float(weight[(column == value).to_numpy()].sum()) for value in listed}
    whole = sum(total.values())
    return {value: n / whole for value, n in total.items() if n} if whole else {}
