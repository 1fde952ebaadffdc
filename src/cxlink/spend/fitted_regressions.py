"""Fitted regressions of spend: what they predict, and what they were held by."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from cxlink.spend.sandwich import Stack
from cxlink.spend.spend_design import SpendDesign


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """What a layer's parameters predict with.

    Attributes
    ----------
    design : SpendDesign
        Columns of every level and every stratum.
    columns : int ndarray of shape (n_parameters,)
        Those that the parameters belong to.
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
        As in the estimates table.
    terms : tuple of Term
        E[spend] is ``unit`` times the product of the amounts and shares that they predict.
    stack : Stack
        Their parameters and joint covariance.
    unit : float
        In the spec's currency.
    unknown : bool ndarray of shape (n_levels, n_strata)
        Combinations that nothing in the counts tells.
    dispersion : float
        Pearson's: Σu²/V per degree of freedom, of the amounts; of the Poisson's in the currency.
    penalised, averaged : tuple of str
        Effects held by a penalty; levels and categories in which nobody spent, given the amounts of the others.
    """

    model: str
    terms: tuple[Term, ...]
    stack: Stack
    unit: float
    unknown: np.ndarray
    dispersion: float
    penalised: tuple[str, ...] = ()
    averaged: tuple[str, ...] = ()

    @property
    def n_parameters(self) -> int:
        """Number of parameters of all parts."""
        return sum(len(theta) for theta in self.stack.theta)

    def means(self, theta: list[np.ndarray]) -> np.ndarray:
        """Mean spend of each combination, in units: (n_draws, n_levels, n_strata) of parameters (n_draws, …)."""
        mean = np.zeros((1, 1, 1))
        for term, drawn in zip(self.terms, theta, strict=True):
            by_level, by_stratum = term.linear(drawn)
            eta = by_level[:, :, None] + by_stratum[:, None, :]
            mean = mean + (-np.logaddexp(0, -eta) if term.share else eta)
        found: np.ndarray = np.exp(mean)
        return found

    def averages(self, theta: list[np.ndarray], strata: np.ndarray) -> np.ndarray:
        """Average `means` over strata: (n_draws, n_levels) of weights (n_strata,), in the currency.

        Amounts are products of a factor of the level and one of the stratum; so only shares need every combination.
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
        found: np.ndarray = self.unit * np.exp(level) * inner
        return found


@dataclass(frozen=True, slots=True)
class NoSpendFit:
    """A model that these counts cannot carry, and why.

    Attributes
    ----------
    model : str
        As in the estimates table.
    reason : str
        A name: ``no_complete_window``, ``nobody_spent``, ``nothing_net``, ``refunds``, ``no_end``, …
    """

    model: str
    reason: str


Fitted = SpendFit | NoSpendFit
