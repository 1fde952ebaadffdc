"""What can be asked of any model, as data; and the one loop that turns models and estimands into rows.

Contrasts, intervals, the extrapolated share and what holds an interval open are made here and nowhere else.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from cxlink.checks import Check, Fact
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.contrasts import RATIO, Contrast
from cxlink.estimands.tidy import held, intervals, ready_row

Row = dict[str, Any]


class Estimated(Protocol):
    """What a model says of reported groups, as the loop reads it: `Survival`, `MeanSpend`, `GroupValues`."""

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
        """Customers in each."""

    @property
    def n_events(self) -> np.ndarray | None:
        """Losses among them; None where they are not counted."""

    @property
    def own(self) -> tuple[int, ...]:
        """Groups with rows of their own."""

    @property
    def contrasts(self) -> tuple[tuple[int, int], ...]:
        """Groups and their references."""

    @property
    def held(self) -> np.ndarray:
        """Groups whose draws are not their estimator's: intervals are widened to hold the estimate."""

    @property
    def sparse(self) -> np.ndarray:
        """Those of them whose draws never reach 0 or 1: contrasts hold those with a side at its estimate as well."""

    @property
    def posterior(self) -> bool:
        """Whether the draws are a posterior's."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """One quantity of all groups, at each of the places it was asked about.

    Attributes
    ----------
    point : ndarray of shape (n_groups, n_places)
        The estimate; NaN where it is not known: it has no row.
    draws : ndarray of shape (n_draws, n_groups, n_places)
        Draws of the same.
    extrapolated : ndarray of shape (n_groups, n_places)
        Share that lies beyond what was observed.
    places : tuple of dict
        Columns of the estimates table: ``horizon``, ``given``, ``cause``, ``scenario``.
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
"""Why a model does not answer an estimand: it has no value without a horizon, refuses to go past follow-up, keeps no
curve at the times that are needed, gives none of those who have stayed so long; is of all causes together; or no
competing causes are known."""


@dataclass(frozen=True, slots=True)
class NotAnswered:
    """A model does not answer an estimand.

    Attributes
    ----------
    reason : str
        See `Reason`.
    """

    reason: Reason


@dataclass(frozen=True, slots=True)
class Estimand:
    """What can be asked of a model.

    Attributes
    ----------
    name, unit : str
        As in the estimates table.
    value : callable
        Gives the `Answer` of a model, or says why there is none.
    contrasts : tuple of Contrast
        How groups are compared.
    least : float
        Where intervals of groups end, if they would reach lower.
    """

    name: str
    unit: str
    value: Callable[[Any], Answer | NotAnswered]
    contrasts: tuple[Contrast, ...] = ()
    least: float = -np.inf


@dataclass(frozen=True, slots=True)
class Leads:
    """Whether page one stands on rows: on those of the headline contrast, at one horizon of each estimand.

    Attributes
    ----------
    at : mapping of str to int or None
        The horizon by estimand; None where it has none. Empty: page one does not stand on this model.
    """

    at: Mapping[str, int | None] = field(default_factory=dict)

    def holds(self, estimand: str, place: Row) -> bool:
        """Whether page one stands on an estimand at this place."""
        known = estimand in self.at and self.at[estimand] == place.get("horizon")
        return known and not place.get("scenario") and not place.get("given")


NOT_LEADING = Leads()


def rows_of(
    found: Estimated, estimands: Sequence[Estimand], spec: CohortSpec, leads: Leads = NOT_LEADING
) -> list[Row]:
    """Give all rows of a model: of its groups and of their contrasts.

    Parameters
    ----------
    found : Estimated
        What the model says.
    estimands : sequence of Estimand
        What is asked of it.
    spec : CohortSpec
        Level of the intervals, and the headline contrast.
    leads : Leads
        Which rows page one stands on.

    Returns
    -------
    list of dict
        Rows of the estimates table; none for what is not known. The share extrapolated of a contrast is the larger
        one of its sides.
    """
    rows: list[Row] = []
    for estimand in estimands:
        answer = estimand.value(found)
        if isinstance(answer, Answer) and answer.places:
            asked = _Asked(found, estimand, answer, spec, leads)
            rows += [*_own(asked), *_contrasts(asked)]
    return rows


def refusals(found: Estimated, estimands: Sequence[Estimand]) -> Iterator[Check]:
    """Say which estimands a model does not answer, or not at every horizon, and why.

    Parameters
    ----------
    found : Estimated
        What the model says.
    estimands : sequence of Estimand
        What is asked of it.

    Yields
    ------
    Check
        ``not_answered``, with the facts ``estimand`` and ``adjusted``; its value is the horizon that is not answered,
        its case the `Reason`.
    """
    for estimand in estimands:
        facts: dict[str, Fact] = {"estimand": estimand.name, "adjusted": str(found.labels["adjusted"])}
        answer = estimand.value(found)
        if isinstance(answer, NotAnswered):
            yield Check("not_answered", found.model, facts={**facts, "case": answer.reason})
            continue
        missing = np.isnan(answer.point[list(found.own)])
        if answer.contrasted is not None:
            missing &= answer.contrasted
        for p in np.flatnonzero(missing.any(axis=0)):
            horizon = float(answer.places[p].get("horizon", np.nan))
            yield Check(
                "not_answered", found.model, value=horizon, facts={**facts, "case": "beyond_follow_up"}
            )


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """One estimand of one model."""

    found: Estimated
    estimand: Estimand
    answer: Answer
    spec: CohortSpec
    leads: Leads

    def columns(self, g: int, place: Row) -> Row:
        """Columns that say whose row it is, and of what."""
        found = self.found
        columns = {
            "model": found.model,
            "group": found.groups[g],
            "n": int(found.n[g]),
            **found.labels,
            **place,
        }
        return columns if found.n_events is None else {**columns, "n_events": int(found.n_events[g])}


def _own(asked: _Asked) -> Iterator[Row]:
    answer, found, level = asked.answer, asked.found, asked.spec.analysis.level
    own = list(found.own)
    sides = asked.spec.contrast(asked.spec.analysis.contrasts[0])
    ends = intervals(answer.draws[:, own], level)
    ends[1] = np.maximum(ends[1], asked.estimand.least)
    for k, g in enumerate(own):
        for p, place in enumerate(answer.places):
            value = answer.point[g, p]
            if np.isnan(value) or (answer.shown is not None and not answer.shown[g, p]):
                continue
            shown = ready_row(
                asked.estimand.name, value, ends[:, k, p], level, asked.estimand.unit,
                headline=asked.leads.holds(asked.estimand.name, place) and found.groups[g] in sides,
                extrapolated=answer.extrapolated[g, p], **asked.columns(g, place),
            )  # fmt: skip
            yield held(shown) if found.held[g] else shown


def _contrasts(asked: _Asked) -> Iterator[Row]:
    answer = asked.answer
    places = np.arange(len(answer.places)) if answer.contrasted is None else np.flatnonzero(answer.contrasted)
    if not asked.found.contrasts or not places.size:
        return
    pairs = np.array(asked.found.contrasts)
    for contrast in asked.estimand.contrasts:
        sides = [
            (answer.point[g][:, places], _bounded(answer.draws[:, g][..., places], contrast)) for g in pairs.T
        ]
        yield from _contrasted(asked, contrast, places, sides)


def _bounded(draws: np.ndarray, contrast: Contrast) -> np.ndarray:
    return np.maximum(draws, contrast.least) if contrast.least > -np.inf else draws


def _contrasted(
    asked: _Asked, contrast: Contrast, places: np.ndarray, sides: Sequence[tuple[np.ndarray, np.ndarray]]
) -> Iterator[Row]:
    """Rows of one contrast, of all pairs, (n_pairs, n_places), and their draws, (n_draws, n_pairs, n_places)."""
    answer, found, level = asked.answer, asked.found, asked.spec.analysis.level
    (a, a_draws), (b, b_draws) = sides
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        points, draws = contrast.of(a, b), contrast.of(a_draws, b_draws)
    if found.posterior and contrast == RATIO:
        points = _medians(draws)
    ends = intervals(draws, level)
    for c, (g, r) in enumerate(found.contrasts):
        for k, p in enumerate(places):
            both = np.array([a[c, k], b[c, k]]), np.stack([a_draws[:, c, k], b_draws[:, c, k]], axis=1)
            if np.isnan(points[c, k]) or not (contrast.says is None or contrast.says(*both)):
                continue
            place, names = answer.places[p], (found.groups[g], found.groups[r])
            shown = ready_row(
                f"{asked.estimand.name}_{contrast.name}", points[c, k], ends[:, c, k], level,
                contrast.unit or asked.estimand.unit, reference=names[1],
                headline=asked.leads.holds(asked.estimand.name, place)
                and names == asked.spec.contrast(asked.spec.analysis.contrasts[0]),
                extrapolated=max(answer.extrapolated[g, p], answer.extrapolated[r, p]), **asked.columns(g, place),
            )  # fmt: skip
            if found.sparse[[g, r]].any():
                yield held(shown, _at_the_estimate(contrast, *both, level))
            else:
                yield held(shown) if found.held[[g, r]].any() else shown


def _medians(draws: np.ndarray) -> np.ndarray:
    """Median of the draws that are defined; NaN without any."""
    known = ~np.isnan(draws).all(axis=0)
    found = np.full(draws.shape[1:], np.nan)
    found[known] = np.nanmedian(draws[:, known], axis=0)
    return found


def _at_the_estimate(contrast: Contrast, point: np.ndarray, draws: np.ndarray, level: float) -> list[Row]:
    """Intervals of a contrast with one side at its estimate: a sparse group's draws never reach a share of 0 or 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        several = contrast.of(point[0], draws[:, 1]), contrast.of(draws[:, 0], point[1])
    ends = intervals(np.stack(several, axis=1), level)
    return [{"conf_low": low, "conf_high": high} for _, low, high in ends.T]
