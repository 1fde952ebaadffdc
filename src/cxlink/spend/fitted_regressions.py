"""Fitted regressions of spend: parameters, covariance and predictions."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from cxlink.spend.equation_stack import Stack
from cxlink.spend.spend_design import SpendDesign


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """The linear predictor of one estimating equation.

    Attributes
    ----------
    design : SpendDesign
        Columns of every level and every stratum.
    columns : int ndarray of shape (n_parameters,)
        Columns of the design that have a parameter.
    share : bool
        Whether the linear predictor is the logit of a share; else it is the log of an amount.
    """

    design: SpendDesign
    columns: np.ndarray
    share: bool = False

    def linear(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give the parts of the linear predictor, (n_draws, n_levels) and (n_draws, n_strata)."""
        whole = np.zeros((len(theta), len(self.design.names)))
        whole[:, self.columns] = theta
        return self.design.linear(whole)


@dataclass(frozen=True, slots=True, eq=False)
class SpendFit:
    """A fitted regression of spend.

    Attributes
    ----------
    model : str
        Name in the estimates table.
    terms : tuple of Term
        E[spend] is ``unit`` times the product of the predicted amounts and shares.
    stack : Stack
        Their parameters and joint covariance.
    unit : float
        In the spec's currency.
    inestimable : bool ndarray of shape (n_levels, n_strata)
        Combinations whose mean is not estimable from the counts.
    dispersion : float
        Pearson's Σu²/V per degree of freedom, of the amounts; for the Poisson in the currency.
    penalised, averaged : tuple of str
        Names of penalised effects; of levels and categories without spenders, whose amount is the others' average.
    """

    model: str
    terms: tuple[Term, ...]
    stack: Stack
    unit: float
    inestimable: np.ndarray
    dispersion: float
    penalised: tuple[str, ...] = ()
    averaged: tuple[str, ...] = ()

    @property
    def n_parameters(self) -> int:
        """Number of parameters of all parts."""
        return sum(len(theta) for theta in self.stack.theta)

    def averages(self, theta: list[np.ndarray], strata: np.ndarray) -> np.ndarray:
        """Average the means of levels over strata with weights (n_strata,): (n_draws, n_levels), in the currency.

        Amounts factorise into level × stratum, so only shares are evaluated for every combination.
        """
        level, stratum, share = np.zeros((1, 1)), np.zeros((1, 1)), None
        for term, drawn in zip(self.terms, theta, strict=True):
            by_level, by_stratum = term.linear(drawn)
            if term.share:
                share = expit(by_level[:, :, None] + by_stratum[:, None, :])
            else:
                level, stratum = level + by_level, stratum + by_stratum
        weight = np.exp(stratum) * strata
        inner = weight.sum(axis=1, keepdims=True) if share is None else (share @ weight[:, :, None])[:, :, 0]
        averages: np.ndarray = self.unit * np.exp(level) * inner
        return averages


@dataclass(frozen=True, slots=True)
class NoSpendFit:
    """A model that could not be fitted, with the reason.

    Attributes
    ----------
    model : str
        Name in the estimates table.
    reason : str
        Code: ``no_complete_window``, ``nobody_spent``, ``nothing_net``, ``refunds``, ``no_end``, …
    """

    model: str
    reason: str


Fitted = SpendFit | NoSpendFit
