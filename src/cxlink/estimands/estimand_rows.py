"""Rows of the estimates table from any model and any estimand.

Contrasts, intervals, the extrapolated share and the widening of intervals are computed here and nowhere else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cxlink.checks import Check, Fact
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.contrasts import RATIO, Contrast
from cxlink.estimands.estimand import NOT_LEADING, Answer, Estimand, Estimated, Leads, NotAnswered, Row
from cxlink.estimands.simultaneous import Member, in_family, simultaneous_rows
from cxlink.estimands.tidy import intervals, ready_row, widened_to_contain
from cxlink.spend.means import MeanSpend


def rows_of(
    model: Estimated, estimands: Sequence[Estimand], spec: CohortSpec, leads: Leads = NOT_LEADING
) -> list[Row]:
    """All rows of a model: of its groups and of their contrasts.

    Parameters
    ----------
    model : Estimated
        Its estimates of reported groups.
    estimands : sequence of Estimand
        Quantities to estimate.
    spec : CohortSpec
        Level of the intervals, and the headline contrast.
    leads : Leads
        Rows of page one; of its estimands every level against worst has a simultaneous interval as well,
        where customers are independent.

    Returns
    -------
    list of dict
        Rows of the estimates table, omitting those that are not estimable. The extrapolated share of a contrast is
        that of its group or its reference, whichever is larger.
    """
    rows: list[Row] = []
    for estimand in estimands:
        answer = estimand.value(model)
        if isinstance(answer, Answer) and answer.places:
            evaluated = _Evaluated(model, estimand, answer, spec, leads)
            rows += [*_own(evaluated), *_contrasts(evaluated)]
            if estimand.name in leads.at and spec.cluster_column is None:
                rows += _all_levels(evaluated)
    return rows


def refusals(model: Estimated, estimands: Sequence[Estimand]) -> Iterator[Check]:
    """Estimands that a model does not estimate, or not at every horizon, with reasons.

    Parameters
    ----------
    model : Estimated
        Its estimates of reported groups.
    estimands : sequence of Estimand
        Quantities to estimate.

    Yields
    ------
    Check
        ``not_answered``, with the facts ``estimand`` and ``adjusted``; its value is the horizon without an estimate,
        its case the `Reason`.
    """
    for estimand in estimands:
        facts: dict[str, Fact] = {"estimand": estimand.name, "adjusted": str(model.labels["adjusted"])}
        answer = estimand.value(model)
        if isinstance(answer, NotAnswered):
            yield Check("not_answered", model.model, facts={**facts, "case": answer.reason})
            continue
        missing = np.isnan(answer.point[list(model.own)])
        if answer.contrasted is not None:
            missing &= answer.contrasted
        for p in np.flatnonzero(missing.any(axis=0)):
            horizon = float(answer.places[p].get("horizon", np.nan))
            yield Check(
                "not_answered", model.model, value=horizon, facts={**facts, "case": "beyond_follow_up"}
            )


@dataclass(frozen=True, slots=True, eq=False)
class _Evaluated:
    """One estimand of one model."""

    model: Estimated
    estimand: Estimand
    answer: Answer
    spec: CohortSpec
    leads: Leads

    def columns(self, g: int, place: Row) -> Row:
        """Columns that identify a row."""
        model = self.model
        columns = {
            "model": model.model,
            "group": model.groups[g],
            "n": int(model.n[g]),
            **model.labels,
            **place,
        }
        return columns if model.n_events is None else {**columns, "n_events": int(model.n_events[g])}


def _own(evaluated: _Evaluated) -> Iterator[Row]:
    answer, model, level = evaluated.answer, evaluated.model, evaluated.spec.analysis.level
    own = list(model.own)
    sides = evaluated.spec.contrast(evaluated.spec.analysis.contrasts[0])
    ends = intervals(answer.draws[:, own], level)
    ends[1] = np.maximum(ends[1], evaluated.estimand.least)
    ends[:, _unknown(evaluated)[own]] = np.nan
    for k, g in enumerate(own):
        for p, place in enumerate(answer.places):
            value = answer.point[g, p]
            if np.isnan(value) or (answer.shown is not None and not answer.shown[g, p]):
                continue
            estimate = ready_row(
                evaluated.estimand.name, value, ends[:, k, p], level, evaluated.estimand.unit,
                headline=evaluated.leads.holds(evaluated.estimand.name, place) and model.groups[g] in sides,
                extrapolated=answer.extrapolated[g, p], **evaluated.columns(g, place),
            )  # fmt: skip
            yield widened_to_contain(estimate) if model.widened[g] else estimate


def _contrasts(evaluated: _Evaluated) -> Iterator[Row]:
    answer = evaluated.answer
    places = np.arange(len(answer.places)) if answer.contrasted is None else np.flatnonzero(answer.contrasted)
    if not evaluated.model.contrasts or not places.size:
        return
    pairs = np.array(evaluated.model.contrasts)
    for contrast in evaluated.estimand.contrasts:
        sides = [
            (answer.point[g][:, places], _bounded(answer.draws[:, g][..., places], contrast)) for g in pairs.T
        ]
        yield from _contrasted(evaluated, contrast, places, sides)


def _all_levels(evaluated: _Evaluated) -> Iterator[Row]:
    """Rows of every level against worst, with simultaneous intervals, where page one stands."""
    answer, model, estimand = evaluated.answer, evaluated.model, evaluated.estimand
    names = [(model.groups[g], model.groups[r]) for g, r in model.contrasts]
    unknown = _unknown(evaluated)
    family = [
        pair
        for pair, name in zip(model.contrasts, names, strict=True)
        if in_family(*name) and not unknown[list(pair)].any()
    ]
    for p, place in enumerate(answer.places):
        if not evaluated.leads.holds(estimand.name, place):
            continue
        for contrast in estimand.contrasts:
            members = [one for g, r in family if (one := _member(evaluated, contrast, (g, r), p)) is not None]
            unit = contrast.unit or estimand.unit
            level = evaluated.spec.analysis.level
            yield from simultaneous_rows(contrast.called(estimand.name), unit, members, level)


def _member(evaluated: _Evaluated, contrast: Contrast, pair: tuple[int, int], p: int) -> Member | None:
    """One contrast at one place; None where it is not estimable, or says nothing."""
    answer, model, (g, r) = evaluated.answer, evaluated.model, pair
    point = answer.point[[g, r], p]
    draws = _bounded(answer.draws[:, [g, r], p], contrast)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        value, drawn = contrast.of(point[0], point[1]), contrast.of(draws[:, 0], draws[:, 1])
    negative = contrast.unit == "ratio" and ((drawn < 0).any() or value < 0)
    if np.isnan(value) or negative or not (contrast.says is None or contrast.says(point, draws)):
        return None
    columns = {
        **evaluated.columns(g, answer.places[p]), "reference": model.groups[r],
        "extrapolated": max(answer.extrapolated[g, p], answer.extrapolated[r, p]),
    }  # fmt: skip
    sparse, level = model.sparse[[g, r]].any(), evaluated.spec.analysis.level
    return Member(
        float(value), drawn, columns, _at_the_estimate(contrast, point, draws, level) if sparse else ()
    )


def _bounded(draws: np.ndarray, contrast: Contrast) -> np.ndarray:
    return np.maximum(draws, contrast.least) if contrast.least > -np.inf else draws


def _contrasted(
    evaluated: _Evaluated,
    contrast: Contrast,
    places: np.ndarray,
    sides: Sequence[tuple[np.ndarray, np.ndarray]],
) -> Iterator[Row]:
    """Rows of one contrast, of all pairs, (n_pairs, n_places), and their draws, (n_draws, n_pairs, n_places)."""
    answer, model, level = evaluated.answer, evaluated.model, evaluated.spec.analysis.level
    (a, a_draws), (b, b_draws) = sides
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        points, draws = contrast.of(a, b), contrast.of(a_draws, b_draws)
    if model.posterior and contrast == RATIO:
        points = _medians(draws)
    ends, unknown = intervals(draws, level), _unknown(evaluated)
    for c, (g, r) in enumerate(model.contrasts):
        if unknown[[g, r]].any():
            ends[:, c] = np.nan
        for k, p in enumerate(places):
            both = np.array([a[c, k], b[c, k]]), np.stack([a_draws[:, c, k], b_draws[:, c, k]], axis=1)
            if np.isnan(points[c, k]) or not (contrast.says is None or contrast.says(*both)):
                continue
            place, names = answer.places[p], (model.groups[g], model.groups[r])
            estimate = ready_row(
                contrast.called(evaluated.estimand.name), points[c, k], ends[:, c, k], level,
                contrast.unit or evaluated.estimand.unit, reference=names[1],
                headline=evaluated.leads.holds(evaluated.estimand.name, place)
                and names == evaluated.spec.contrast(evaluated.spec.analysis.contrasts[0]),
                extrapolated=max(answer.extrapolated[g, p], answer.extrapolated[r, p]), **evaluated.columns(g, place),
            )  # fmt: skip
            if unknown[[g, r]].any():
                yield estimate
            elif model.sparse[[g, r]].any():
                yield widened_to_contain(estimate, _at_the_estimate(contrast, *both, level))
            else:
                yield widened_to_contain(estimate) if model.widened[[g, r]].any() else estimate


def _unknown(evaluated: _Evaluated) -> np.ndarray:
    """Groups without an interval.

    Of clustered customers those whose draws are of independent ones, or none; of spend those who all spent the same.
    """
    model = evaluated.model
    # a posterior's draws are rescaled to what the buckets of clusters show
    clustered = evaluated.spec.cluster_column is not None and not model.posterior
    unknown: np.ndarray = np.asarray(model.widened, dtype=bool) & clustered
    return unknown | model.unvaried if isinstance(model, MeanSpend) else unknown


def _medians(draws: np.ndarray) -> np.ndarray:
    """Median of the draws that are defined; NaN without any."""
    defined = ~np.isnan(draws).all(axis=0)
    medians = np.full(draws.shape[1:], np.nan)
    medians[defined] = np.nanmedian(draws[:, defined], axis=0)
    return medians


def _at_the_estimate(contrast: Contrast, point: np.ndarray, draws: np.ndarray, level: float) -> list[Row]:
    """Intervals of a contrast with one group at its estimate, for sparse groups whose draws never reach 0 or 1."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        several = contrast.of(point[0], draws[:, 1]), contrast.of(draws[:, 0], point[1])
    ends = intervals(np.stack(several, axis=1), level)
    return [{"conf_low": low, "conf_high": high} for _, low, high in ends.T]
