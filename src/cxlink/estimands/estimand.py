"""An estimand as data, and the result of a model that it is computed from.

`cxlink.estimands.estimand_rows` makes the rows of the estimates table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from cxlink.estimands.contrasts import Contrast

Row = dict[str, Any]


class Estimated(Protocol):
    """Estimates of reported groups by one model: `Survival`, `MeanSpend`, `GroupValues`."""

    @property
    def model(self) -> str:
        """Name in the estimates table."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Columns that all groups share."""

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups."""

    @property
    def n(self) -> np.ndarray:
        """Customers in each group."""

    @property
    def n_events(self) -> np.ndarray | None:
        """Losses in each group; None where the outcome has no events."""

    @property
    def own(self) -> tuple[int, ...]:
        """Groups with rows of their own."""

    @property
    def contrasts(self) -> tuple[tuple[int, int], ...]:
        """Groups and their references."""

    @property
    def widened(self) -> np.ndarray:
        """Groups whose draws are not those of the estimator: intervals are widened to contain the estimate."""

    @property
    def sparse(self) -> np.ndarray:
        """Groups of `widened` whose draws never reach 0 or 1; see `estimand_rows`."""

    @property
    def posterior(self) -> bool:
        """Whether the draws are of a posterior distribution."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """One quantity of all groups, at one or more horizons and scenarios.

    Attributes
    ----------
    point : ndarray of shape (n_groups, n_places)
        The estimate; NaN where it is not estimable, without a row then.
    draws : ndarray of shape (n_draws, n_groups, n_places)
        Draws of the same.
    extrapolated : ndarray of shape (n_groups, n_places)
        Share of the estimate from beyond follow-up.
    places : tuple of dict
        Columns of the estimates table that identify each: ``horizon``, ``given``, ``cause``, ``scenario``.
    shown : bool ndarray of shape (n_groups, n_places), optional
        Where groups have rows of their own; everywhere by default.
    contrasted : bool ndarray of shape (n_places,), optional
        Where contrasts have rows; everywhere by default.
    """

    point: np.ndarray
    draws: np.ndarray
    extrapolated: np.ndarray
    places: tuple[Row, ...]
    shown: np.ndarray | None = None
    contrasted: np.ndarray | None = None


Reason = Literal[
    "no_tail", "beyond_follow_up", "not_drawn", "no_start_later", "all_causes", "one_cause",
]  # fmt: skip
"""Why a model has no estimate of an estimand: no value without a horizon; no extrapolation beyond follow-up; no draws
at the times needed; no curve from a later start; one model of all causes; or a single cause."""


@dataclass(frozen=True, slots=True)
class NotAnswered:
    """A model has no estimate of an estimand.

    Attributes
    ----------
    reason : str
        See `Reason`.
    """

    reason: Reason


@dataclass(frozen=True, slots=True)
class Estimand:
    """A quantity that models estimate.

    Attributes
    ----------
    name, unit : str
        As in the estimates table.
    value : callable
        From a model's result to its `Answer`, or to the reason for none.
    contrasts : tuple of Contrast
        How groups are compared.
    least : float
        Lower bound of the intervals of groups.
    """

    name: str
    unit: str
    value: Callable[[Any], Answer | NotAnswered]
    contrasts: tuple[Contrast, ...] = ()
    least: float = -np.inf


@dataclass(frozen=True, slots=True)
class Leads:
    """Which rows are the headline of page one: those of the headline contrast, at one horizon of each estimand.

    Attributes
    ----------
    at : mapping of str to int or None
        The horizon by estimand; None where it has none. Empty: no row of this model is on page one.
    """

    at: Mapping[str, int | None] = field(default_factory=dict)

    def holds(self, estimand: str, place: Row) -> bool:
        """Whether an estimand at these columns is on page one."""
        leading = estimand in self.at and self.at[estimand] == place.get("horizon")
        return leading and not place.get("scenario") and not place.get("given")


NOT_LEADING = Leads()
