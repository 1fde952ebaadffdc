"""Several scores counted by plain loops, from the documentation alone: nothing of the package is imported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from validation.fuzz import own_reading as read
from validation.fuzz.own_horizon import Curves, Customer, added, curves, outcome, spent

Spec = Mapping[str, Mapping[str, Any]]
_TELLS = 10
"""Customers of one outcome who did not give a score, of whom none gave it: then it is known after the outcome."""


@dataclass
class Several:
    """A table of several scores.

    Attributes
    ----------
    cells : dict
        Sums by all scores in the order of their names, strata, and the bucket of the account or the times.
    horizon : int
        In periods; 0 where few are followed so far.
    left_out : tuple of str
        Scores that are known after the outcome.
    answered : dict
        By score, and whether it was given: customers, those retained and lost, and the sums of their weights.
    """

    cells: dict[tuple[Any, ...], dict[str, float]] = field(default_factory=dict)
    horizon: int = 0
    left_out: tuple[str, ...] = ()
    answered: dict[tuple[str, bool], dict[str, float]] = field(default_factory=dict)


def others_of(spec: Spec) -> dict[str, Any]:
    """Further scores by name."""
    return dict(spec["score"].get("others", {}))


def levels(row: Mapping[str, Any], spec: Spec) -> dict[str, Any]:
    """Levels of the further scores of a row: `None` where one is not given, `BAD` where it is none."""
    found = {}
    for name, one in others_of(spec).items():
        low, _, high = one["scale"][1:].partition("-")
        scale = int(one["scale"][0] + low), int(high)
        found[name] = read.score(row[one["column"]], spec.get("table", {}), scale, one.get("round", False))
    return found


def by_scores(customers: Sequence[Customer], spec: Spec, horizon: int) -> Several:
    """Customers who gave every score, by all of them and the strata, with their outcomes at the horizon."""
    followed = curves(customers, horizon)
    found = Several(horizon=horizon if followed else 0)
    for one in customers:
        own = outcome(one, followed, horizon) if followed else {}
        for name, level in levels(one.row, spec).items():
            for given in (True, False):
                here = float((level is not None) == given)
                sums = {"n": 1.0, **{what: own.get(what, 0.0) for what in _FOLLOWED}}
                added(found.answered, (name, given), {what: here * value for what, value in sums.items()})
    found.left_out = _after_outcome(found.answered) if followed else ()
    for one in customers:
        _count(found, one, spec, followed, horizon)
    return found


_FOLLOWED = ("retained", "lost", "retained_weight", "lost_weight")


def _count(found: Several, one: Customer, spec: Spec, followed: Curves, horizon: int) -> None:
    scores = {name: level for name, level in levels(one.row, spec).items() if name not in found.left_out}
    if None in scores.values():
        return
    key = (one.level, *(scores[name] for name in sorted(scores)), *one.strata, one.bucket)
    own = outcome(one, followed, horizon) if followed else {}
    added(found.cells, key, {"n": 1.0, **own, **spent(one, spec)})


def _after_outcome(answered: Mapping[tuple[str, bool], Mapping[str, float]]) -> tuple[str, ...]:
    """Scores that only those retained gave, or only those lost, though ten or more of the others did not."""
    names = []
    for name in dict.fromkeys(name for name, _ in answered):
        given, lacking = answered[name, True], answered[name, False]
        told = any(given[what] == 0 and lacking[what] >= _TELLS for what in ("retained", "lost"))
        if given["n"] and told:
            names.append(name)
    return tuple(names)


def by_times(customers: Sequence[Customer], spec: Spec, horizon: int) -> Several:
    """Customers by all scores, given or not, strata and times; to the horizon where time starts at the score."""
    found = Several(horizon=horizon)
    rows = []
    for one in customers:
        leave, lost = one.leave, one.lost
        if spec["subscription"].get("clock", "survey") == "survey" and not _late(spec):
            leave, lost = min(leave, horizon), lost and leave <= horizon
        if leave > one.entry:
            rows.append((one, leave, lost))
    for one, leave, lost in rows:
        retained = leave - one.entry >= horizon and not lost
        for name, level in levels(one.row, spec).items():
            for given in (True, False):
                here = float((level is not None) == given)
                sums = {"n": here, "retained": here * retained, "lost": here * lost}
                added(found.answered, (name, given), sums)
    found.left_out = _after_outcome(found.answered)
    for one, leave, lost in rows:
        scores = {name: level for name, level in levels(one.row, spec).items() if name not in found.left_out}
        key = (
            one.level,
            *(scores[name] for name in sorted(scores)),
            *one.strata,
            one.entry,
            leave,
            int(lost),
        )
        added(found.cells, key, {"n": 1.0})
    return found


def _late(spec: Spec) -> bool:
    return bool({"entry", "window"} & set(spec["subscription"]))
