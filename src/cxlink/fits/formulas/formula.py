"""Formulas of models, and the variables that they name.

The grammar is formulaic's (https://matthewwardrop.github.io/formulaic/). A factor is a variable or an expression of
variables, numbers and the functions of `FUNCTIONS`; anything else is refused before it is evaluated.
"""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from cxlink.cohort.arguments_given import refuse_other
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

    refuse_other(text, (str,), "formula")
    if "~" in text:
        raise InputError(
            f"formula {text!r}: the outcome is that of the spec. Leave out everything up to the ~."
        )
    try:
        factors = {factor.expr: factor.eval_method.value for term in Formula(text) for factor in term.factors}
    except Exception as error:
        raise InputError(f"formula {text!r}: cannot be read ({first_line(error)}).") from None
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


def refuse_uncounted(formula: ModelFormula, known: Sequence[str]) -> None:
    """Refuse a variable that counts were not made by; the message proposes the nearest, or how to come by it.

    Raises
    ------
    InputError
        If a variable of the formula is none of those known.
    """
    for name in formula.variables:
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.7)
            cure = (
                f"Did you mean {near[0]!r}?"
                if near
                else f"There are {', '.join(map(repr, known[:12]))}; for another column of the table give the cohort "
                "(cxlink.read_cohort) in place of its counts."
            )
            raise InputError(f"formula {formula.text!r}: these counts have no {name!r}. {cure}")


def first_line(error: Exception) -> str:
    """Give the first line of what another library says is wrong."""
    lines = str(error).splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
