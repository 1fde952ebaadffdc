"""How two groups are compared: the contrasts, as data."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

Says = Callable[[np.ndarray, np.ndarray], bool]


def positive(point: np.ndarray, draws: np.ndarray) -> bool:
    """Both sides are over 0, in every draw: otherwise their ratio says nothing."""
    return bool((point > 0).all() and (draws > 0).all())


def not_negative(point: np.ndarray, _draws: np.ndarray) -> bool:
    """The group is 0 or more, the reference over 0."""
    return bool(point[0] >= 0 and point[1] > 0)


@dataclass(frozen=True, slots=True)
class Contrast:
    """How a group is set against its reference.

    Attributes
    ----------
    name : str
        Follows the name of the estimand: ``retention_ratio``.
    of : callable
        Of the two sides: a ratio to 0 is infinite, of 0 to 0 undefined.
    unit : str
        Empty: that of the estimand.
    least : float
        What a draw of either side is put to where it is lower.
    says : callable, optional
        Whether it says something of two sides: of their estimates, (2,), and their draws, (n_draws, 2).
    """

    name: str
    of: Callable[[np.ndarray, np.ndarray], np.ndarray]
    unit: str = ""
    least: float = -np.inf
    says: Says | None = None

    def called(self, estimand: str) -> str:
        """Name it of an estimand: ``retention_ratio``."""
        return f"{estimand}_{self.name}"


DIFFERENCE = Contrast("difference", np.subtract)
RATIO = Contrast("ratio", np.divide, "ratio")
BOTH = (DIFFERENCE, RATIO)
"""Of probabilities and times."""
OF_AMOUNTS = (DIFFERENCE, Contrast("ratio", np.divide, "ratio", least=0.0))
"""Of mean amounts that are not under 0, though their draws may be."""
OF_CONTROLS = (DIFFERENCE, Contrast("ratio", np.divide, "ratio", least=0.0, says=not_negative))
"""Of means that may be under 0."""
OF_VALUES = (DIFFERENCE, Contrast("ratio", np.divide, "ratio", says=positive))
"""Of what may be a loss."""


def with_contrasts(estimands: Iterable[str]) -> dict[str, str]:
    """Name estimands and their contrasts, each with the estimand that it is of.

    Examples
    --------
    >>> with_contrasts(["spend"])
    {'spend': 'spend', 'spend_difference': 'spend', 'spend_ratio': 'spend'}
    """
    return {
        name: estimand
        for estimand in estimands
        for name in (estimand, *(contrast.called(estimand) for contrast in BOTH))
    }
