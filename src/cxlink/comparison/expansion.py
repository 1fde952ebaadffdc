"""Nonlinear functions of sparse cells, without the bias of their noise.

A logarithm of a cell that lost one of its fifteen customers, or none, is biased, and averages over many cells do not
take the bias away. Here a function g of a cell's true value s is expanded around a centre c that varies little (the
cell's own estimate, shrunk towards a model) to the second order,

    g(c) + g′(c) (ŝ − c) + ½ g″(c) ((ŝ − c)² − v),

where ŝ is unbiased for s, and v for its variance: so (ŝ − c)² − v is unbiased for (s − c)², whether or not the model
holds, and what is left is of the third order in s − c. For a mean ŝ of customers it is a U-statistic, the mean of the
products of two of them (Hoeffding 1948, doi 10.1214/aoms/1177730196). In draws ŝ varies, in which g is linear, and the
square by a normal noise of its own.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Expansion:
    """Where the functions of a cohort's cells are expanded.

    Attributes
    ----------
    centre : ndarray of shape (n_levels, n_places)
        c: positive; of retained shares below 1.
    square : ndarray of shape (n_levels, n_places)
        (ŝ − c)² − v. Where v is the customers' variance over n, it is the mean of the products (s_i − c)(s_j − c) of
        two customers; of one customer alone 0.
    noise : ndarray of shape (n_levels, n_places)
        Standard deviation of the square, where the centre is right: √2 v √(n / (n − 1)).
    """

    centre: np.ndarray
    square: np.ndarray
    noise: np.ndarray

    def of(self, estimate: np.ndarray, value: np.ndarray, slope: np.ndarray, bend: np.ndarray) -> np.ndarray:
        """Expand a function whose value and first two derivatives at the centre are these.

        Parameters
        ----------
        estimate : ndarray of shape (n_levels, n_places, n_draws)
            ŝ, or draws of it.
        value, slope, bend : ndarray of shape (n_levels, n_places, 1 or n_draws)
            g, g′ and g″ at the centre.
        """
        expanded: np.ndarray = (
            value + slope * (estimate - self.centre[..., None]) + bend / 2 * self.square[..., None]
        )
        return expanded

    def log(self, estimate: np.ndarray) -> np.ndarray:
        """Give log s."""
        c = self.centre[..., None]
        return self.of(estimate, np.log(c), 1 / c, self.log_bend[..., None])

    def log_cumulative(self, estimate: np.ndarray) -> np.ndarray:
        """Give log(−log s), of retained shares."""
        c, log_c = self.centre[..., None], np.log(self.centre)[..., None]
        return self.of(estimate, np.log(-log_c), 1 / (c * log_c), self.log_cumulative_bend[..., None])

    @property
    def log_bend(self) -> np.ndarray:
        """Second derivative of the logarithm at the centre."""
        return -1 / self.centre**2

    @property
    def log_cumulative_bend(self) -> np.ndarray:
        """Second derivative of log(−log s) at the centre."""
        log_c = np.log(self.centre)
        bend: np.ndarray = -(1 + log_c) / (self.centre * log_c) ** 2
        return bend

    def power(self, estimate: np.ndarray, exponent: np.ndarray) -> np.ndarray:
        """Give s^a for exponents of shape (n_draws,): the retained share where the hazard is a times as high.

        To the first order: where a is near 1 the second is small, and its noise is not.
        """
        c = self.centre[..., None]
        value = c**exponent
        return self.of(estimate, value, exponent * value / c, np.zeros(1))
