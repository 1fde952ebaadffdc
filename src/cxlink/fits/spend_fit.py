"""The equations of a regression of spend: one part or two, and what they predict."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.special import expit

from cxlink.cohort.errors import InputError
from cxlink.estimation.term_support import TermSupport
from cxlink.spend.equation_stack import Stack
from cxlink.spend.estimating_equations import GAMMA, LOGIT, NORMAL, POISSON, SpendFamily, tweedie
from cxlink.spend.sandwich import stacked
from cxlink.spend.solve import Equation, Sums, solve
from cxlink.spend.spend_cells import SpendCells
from cxlink.spend.two_part import amount_sums, crossed, smeared

POWER = 1.5
"""Of the variance of the Tweedie, half way between the Poisson's and the gamma's."""
_ONE_PART = {"poisson": POISSON, "gamma": GAMMA, "tweedie": tweedie(POWER)}


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One linear predictor of a regression of spend.

    Attributes
    ----------
    kind : {"share", "amount", "smearing"}
        The logit of any spend, the logarithm of an amount, or of the smearing factor of a level of the score.
    columns : int ndarray of shape (n_parameters,)
        Columns of the design, the intercept being 0, that have a parameter; of smearing, levels of the score.
    penalised : tuple of int
        Of those columns: held by a weak penalty, since all or none of their customers spent.
    of_spenders : bool
        Whether only those who spent are in it.
    """

    kind: str
    columns: np.ndarray
    penalised: tuple[int, ...] = ()
    of_spenders: bool = False

    def support(self, rows: np.ndarray, sums: SpendCells) -> TermSupport:
        """Say what sums of its parameters stand on; `rows` are the design's, the intercept first."""
        own, each = rows[:, self.columns], sums.buckets
        n = sums.positive if self.of_spenders else sums.n
        if each is None:
            return TermSupport(own, n, None, rows[:, list(self.penalised)].any(axis=1))
        return TermSupport(own, n, csr_array(each.positive if self.of_spenders else each.n))


def solved_parts(family: str, rows: np.ndarray, sums: SpendCells) -> tuple[tuple[Part, ...], Stack]:
    """Solve the equations of a family, see `cxlink.fits.spend_model.spend_regression`.

    Parameters
    ----------
    family : str
        One of `cxlink.fits.spend_model.FAMILIES`.
    rows : ndarray of shape (n_profiles, n_columns)
        The design, the intercept first.
    sums : SpendCells
        Sums of spend by profile.

    Returns
    -------
    parts : tuple of Part
        What E[spend] is the product of.
    stack : Stack
        Their parameters and joint robust covariance.

    Raises
    ------
    InputError
        If an equation has no finite solution.
    """
    each = sums.buckets
    if family in _ONE_PART:
        own = () if each is None else (each.n, each.total)
        moments = Sums(sums.n, sums.total, sums.squares, *own)
        equation = _converged(solve(_ONE_PART[family], rows, moments), family)
        return (_part("amount", equation),), stacked([equation], {}, {})
    amounts: SpendFamily = GAMMA if family == "two_part" else NORMAL
    amount = _converged(solve(amounts, rows, amount_sums(sums, logs=family != "two_part")), family)
    equations, parts = [amount], [_part("amount", amount, of_spenders=True)]
    if (sums.positive < sums.n).any():
        own = () if each is None else (each.n, each.positive)
        share = _converged(solve(LOGIT, rows, Sums(sums.n, sums.positive, sums.positive, *own)), family)
        equations, parts = [share, amount], [_part("share", share), *parts]
    if family == "two_part":
        return tuple(parts), stacked(equations, *crossed(equations, sums.positive, sums.total))
    stack, smearing = smeared(equations, sums)
    return (*parts, Part("smearing", smearing.columns)), stack


def _converged(equation: Equation, family: str) -> Equation:
    if not equation.converged:
        raise InputError(f"{family} has no finite estimate on these customers. Use fewer terms, or poisson.")
    return equation


def _part(kind: str, equation: Equation, *, of_spenders: bool = False) -> Part:
    penalised = tuple(int(equation.columns[one.index]) for one in equation.objective.penalties)
    return Part(kind, equation.columns, penalised, of_spenders)


def with_intercept(matrix: np.ndarray) -> np.ndarray:
    """Put a column of ones before a design matrix."""
    return np.hstack([np.ones((len(matrix), 1)), matrix])


def mean_spend(
    parts: Sequence[Part], theta: Sequence[np.ndarray], rows: np.ndarray, groups: np.ndarray
) -> np.ndarray:
    """Mean spend in units, (n_draws, n_rows), of parameters (n_draws, n_parameters) by part."""
    mean: np.ndarray = np.ones((1, 1))
    for part, drawn in zip(parts, theta, strict=True):
        if part.kind == "smearing":
            of_level = np.zeros(
                (len(drawn), int(max(groups.max(initial=0), part.columns.max(initial=0))) + 1)
            )
            of_level[:, part.columns] = drawn
            mean = mean * np.exp(of_level[:, groups])
        else:
            eta = drawn @ rows[:, part.columns].T
            mean = mean * (expit(eta) if part.kind == "share" else np.exp(eta))
    return mean
