"""The columns of a formula, as learned from a cohort: new profiles are encoded the same way."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.errors import InputError
from cxlink.estimation.independence import independent_columns
from cxlink.fits.formulas.formula import ModelFormula, first_line

_MOST_ROWS = 200_000


@dataclass(frozen=True, slots=True, eq=False)
class ProfileDesign:
    """The design matrix of profiles, as learnt from those of a cohort.

    Attributes
    ----------
    formula : ModelFormula
        What is in it.
    spec : formulaic.ModelSpec
        Encodes new profiles the same way: same knots, same reference categories.
    levels : mapping of str to tuple
        Categories of each variable that has some.
    ranges : mapping of str to (float, float)
        Smallest and largest value of each number.
    """

    formula: ModelFormula
    spec: Any
    levels: Mapping[str, tuple[Any, ...]]
    ranges: Mapping[str, tuple[float, float]]

    @property
    def names(self) -> tuple[str, ...]:
        """Columns, without the intercept."""
        return tuple(str(name) for name in self.spec.column_names if name != "Intercept")

    def matrix(self, profiles: pd.DataFrame) -> np.ndarray:
        """Design matrix without the intercept, of shape (n_profiles, n_columns).

        Raises
        ------
        InputError
            If a profile lacks a variable, has a category that nobody had, or lies where a spline does not reach.
        """
        made = self.encoded(profiles)
        matrix: np.ndarray = made.drop(columns="Intercept", errors="ignore").to_numpy(float)
        return matrix

    def encoded(self, profiles: pd.DataFrame) -> pd.DataFrame:
        """The same with the names of its columns, and the intercept."""
        from formulaic.errors import FactorEvaluationError

        try:
            return pd.DataFrame(self.spec.get_model_matrix(self.typed(profiles), context={"raw": _same}))
        except FactorEvaluationError as error:
            raise InputError(
                f"formula {self.formula.text!r}: a profile cannot be computed ({first_line(error)})."
            ) from None

    def typed(self, profiles: pd.DataFrame) -> pd.DataFrame:
        """Profiles with each variable of the kind that it had in the cohort."""
        columns: dict[str, Any] = {}
        for name in self.formula.variables:
            if name not in profiles:
                raise InputError(
                    f"a profile lacks {name!r}; it needs {', '.join(map(repr, self.formula.variables))}."
                )
            columns[name] = (
                _as_category(profiles[name], name, self.levels[name])
                if name in self.levels
                else _as_number(profiles[name], name)
            )
        return pd.DataFrame(columns, index=profiles.index)

    def outside(self, profiles: pd.DataFrame) -> np.ndarray:
        """Whether a number of each profile lies outside what the cohort had, of shape (n_profiles,)."""
        beyond = np.zeros(len(profiles), dtype=bool)
        for name, (low, high) in self.ranges.items():
            values = profiles[name].to_numpy(float)
            beyond |= (values < low) | (values > high)
        return beyond


def learn_design(formula: ModelFormula, profiles: pd.DataFrame, weight: np.ndarray) -> ProfileDesign:
    """Learn the design of a formula from a cohort's profiles.

    Parameters
    ----------
    formula : ModelFormula
        Of variables that are columns of the profiles.
    profiles : DataFrame
        Categories as pandas' categoricals, numbers as floats.
    weight : ndarray of shape (n_profiles,)
        Customers with each: knots of splines are quantiles over customers.

    Raises
    ------
    InputError
        If a term cannot be computed.
    """
    from formulaic import Formula
    from formulaic.errors import FactorEvaluationError

    rows = profiles.iloc[np.repeat(np.arange(len(profiles)), _few(weight))]
    try:
        spec = Formula(formula.encoded).get_model_matrix(rows, context={"raw": _same}).model_spec
    except FactorEvaluationError as error:
        raise InputError(
            f"formula {formula.text!r}: a term cannot be computed ({first_line(error)})."
        ) from None
    named = profiles[list(formula.variables)]
    levels = {
        str(name): tuple(column.cat.categories)
        for name, column in named.items()
        if isinstance(column.dtype, pd.CategoricalDtype)
    }
    ranges = {
        str(name): (float(column.min()), float(column.max()))
        for name, column in named.items()
        if str(name) not in levels
    }
    return ProfileDesign(formula, spec, levels, ranges)


def _few(weight: np.ndarray) -> np.ndarray:
    """Rows of each profile: as many as it has customers, or in proportion where there are many."""
    scale = min(1.0, _MOST_ROWS / max(float(weight.sum()), 1.0))
    return np.maximum(np.rint(weight * scale), 1).astype(int)


def _same(number: Any) -> Any:
    return number


def _as_category(values: pd.Series, name: str, levels: tuple[Any, ...]) -> pd.Series:
    column = values.map(score_level) if isinstance(levels[0], int | np.integer) else values.map(str)
    unknown = sorted({str(value) for value in column} - {str(level) for level in levels})
    if unknown:
        known = ", ".join(map(str, levels[:12]))
        raise InputError(
            f"a profile has {name} = {unknown[0]}, which nobody in the cohort had. It had {known}."
        )
    return pd.Series(pd.Categorical(column, categories=list(levels)), index=values.index)


def score_level(value: Any) -> Any:
    """A whole number, also where it is text, as an int; anything else as it is: 8.5 and True are no scores."""
    if isinstance(value, bool | np.bool_):
        return str(value)
    try:
        return int(value) if float(value) == int(value) else value
    except (TypeError, ValueError, OverflowError):
        return value


def _as_number(values: pd.Series, name: str) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    if numbers.isna().any():
        raise InputError(f"a profile has no number for {name}.")
    return numbers


def profile_features(profiles: pd.DataFrame) -> np.ndarray:
    """Numbers of profiles for models without a formula, (n_profiles, n_variables): a category is its position."""
    columns = [
        column.cat.codes if isinstance(column.dtype, pd.CategoricalDtype) else column
        for _, column in profiles.items()
    ]
    return np.column_stack(columns).astype(float) if columns else np.zeros((len(profiles), 1))


def refuse_aliased(design: ProfileDesign, rows: np.ndarray) -> None:
    """Refuse a column that is a sum of a constant and of others among the customers at risk.

    Raises
    ------
    InputError
        Naming the first such column.
    """
    for name, independent in zip(design.names, independent_columns(rows), strict=True):
        if not independent:
            raise InputError(
                f"formula {design.formula.text!r}: {name} cannot be told from the other terms. Leave one of them out."
            )
