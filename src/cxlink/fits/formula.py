"""Formulas of models: the variables that they name, and the design matrix of customer profiles.

The grammar is formulaic's (https://matthewwardrop.github.io/formulaic/). A factor is a variable or an expression of
variables, numbers and the functions of `FUNCTIONS`; anything else is refused before it is evaluated.
"""

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.errors import InputError

FUNCTIONS = ("C", "bs", "cr", "poly", "log", "raw")
"""A category by its levels; B-splines, natural cubic splines and polynomials; the logarithm; a number as it stands."""
_NATURAL = re.compile(r"\bcr\(")
_NODES = (
    ast.Expression, ast.Call, ast.Name, ast.Load, ast.Constant, ast.keyword, ast.List, ast.Tuple, ast.UnaryOp, ast.USub,
    ast.UAdd, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModelFormula:
    """The right-hand side of a model.

    Attributes
    ----------
    text : str
        As it was given.
    variables : tuple of str
        That it names, the score included; sorted.
    numbers : frozenset of str
        Those of them that it takes as the number in the table, by ``raw(…)``.
    """

    text: str
    variables: tuple[str, ...]
    numbers: frozenset[str]

    @property
    def encoded(self) -> str:
        """What formulaic is given: a natural spline is centred, since it holds a constant otherwise."""
        pieces, text = [], self.text
        while (found := _NATURAL.search(text)) is not None:
            end = _closing(text, found.end())
            inside = text[found.end() : end]
            centred = inside if "constraints" in inside else f"{inside}, constraints='center'"
            pieces.append(f"{text[: found.end()]}{centred}")
            text = text[end:]
        return "".join([*pieces, text])


def _closing(text: str, start: int) -> int:
    """Where the bracket that was opened before ``start`` is closed."""
    depth = 1
    for at in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if not depth:
            return at
    return len(text)


def parse_formula(text: str) -> ModelFormula:
    """Read the right-hand side of a model.

    Parameters
    ----------
    text : str
        Such as ``score + plan + bs(age, df=3)``.

    Raises
    ------
    InputError
        If it is no formula, has a left-hand side, or calls anything but `FUNCTIONS`.

    Examples
    --------
    >>> parse_formula("score * plan + log(raw(visits))").variables
    ('plan', 'score', 'visits')
    """
    from formulaic import Formula

    if "~" in text:
        raise InputError(
            f"formula {text!r}: the outcome is that of the spec. Leave out everything up to the ~."
        )
    try:
        factors = {factor.expr: factor.eval_method.value for term in Formula(text) for factor in term.factors}
    except Exception as error:
        raise InputError(f"formula {text!r}: cannot be read ({_first_line(error)}).") from None
    variables: set[str] = set()
    numbers: set[str] = set()
    for expression, method in factors.items():
        if method == "lookup":
            variables.add(expression)
        elif method == "python":
            names, raw = _names(expression, text)
            variables |= names
            numbers |= raw
    both = sorted(name for name in numbers if name in factors)
    if both:
        raise InputError(f"formula {text!r}: {both[0]} stands in it with and without raw(). Choose one.")
    return ModelFormula(text, tuple(sorted(variables)), frozenset(numbers))


def _names(expression: str, text: str) -> tuple[set[str], set[str]]:
    """Variables of an expression, and those inside ``raw``."""
    try:
        tree = ast.parse(expression, mode="eval")
    except SyntaxError:
        raise InputError(f"formula {text!r}: {expression} cannot be read.") from None
    nodes = list(ast.walk(tree))
    functions = [node.func for node in nodes if isinstance(node, ast.Call)]
    called = {one.id if isinstance(one, ast.Name) else "?" for one in functions}
    if not all(isinstance(node, _NODES) for node in nodes) or called - set(FUNCTIONS):
        raise InputError(
            f"formula {text!r}: {expression} is not allowed; a term may use variables, numbers and "
            f"{', '.join(FUNCTIONS)}."
        )
    names = {node.id for node in nodes if isinstance(node, ast.Name) and node not in functions}
    raw = {
        inner.id
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "raw"
        for inner in node.args
        if isinstance(inner, ast.Name)
    }
    return names, raw


def refuse_unknown(formula: ModelFormula, known: Sequence[str], where: str) -> None:
    """Refuse a variable that is not there; the message proposes the nearest.

    Raises
    ------
    InputError
        If a variable of the formula is none of those known.
    """
    for name in formula.variables:
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.5)
            cure = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(map(repr, known[:12]))}."
            raise InputError(f"formula {formula.text!r}: {where} has no {name!r}. {cure}")


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
                f"formula {self.formula.text!r}: a profile cannot be computed ({_first_line(error)})."
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
            f"formula {formula.text!r}: a term cannot be computed ({_first_line(error)})."
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


_MOST_ROWS = 200_000


def _few(weight: np.ndarray) -> np.ndarray:
    """Rows of each profile: as many as it has customers, or in proportion where there are many."""
    scale = min(1.0, _MOST_ROWS / max(float(weight.sum()), 1.0))
    return np.maximum(np.rint(weight * scale), 1).astype(int)


def _same(number: Any) -> Any:
    return number


def _as_category(values: pd.Series, name: str, levels: tuple[Any, ...]) -> pd.Series:
    kind = type(levels[0])
    try:
        column = values.map(kind)
    except (TypeError, ValueError):
        column = values
    unknown = sorted({str(value) for value in column} - {str(level) for level in levels})
    if unknown:
        known = ", ".join(map(str, levels[:12]))
        raise InputError(
            f"a profile has {name} = {unknown[0]}, which nobody in the cohort had. It had {known}."
        )
    return pd.Series(pd.Categorical(column, categories=list(levels)), index=values.index)


def _as_number(values: pd.Series, name: str) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    if numbers.isna().any():
        raise InputError(f"a profile has no number for {name}.")
    return numbers


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
