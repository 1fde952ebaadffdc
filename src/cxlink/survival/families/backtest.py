"""Backtest: families fitted to an earlier period are compared with what followed.

Every spell is censored again at an origin t₀, the families are fitted to what was observed by then, and scored on what
followed: the log score of customers' period of loss given that they were still there at t₀ (a proper score, Gneiting &
Raftery 2007, doi 10.1198/016214506000001437), the error of survival at the end of follow-up and of the restricted mean
up to it, and whether its interval held it. Weights are those of the mixture that predicts best: stacking of predictive
probabilities (Yao, Vehtari, Simpson & Gelman 2018, doi 10.1214/17-BA1091), over customers and origins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from cxlink.cohort.count.spells import PersonPeriods, Spells
from cxlink.cohort.spec.spec_sections import ActsOn, Effect
from cxlink.groups.support import FEWEST_AT_RISK
from cxlink.survival.families.averaging import members
from cxlink.survival.families.backtest_scores import (
    LEAST,
    BacktestCells,
    Later,
    backtest_errors,
    outcome_probabilities,
)
from cxlink.survival.families.catalogue import menu
from cxlink.survival.families.family import Family
from cxlink.survival.families.fit import fit
from cxlink.survival.families.fitted import Fit, Unfitted

ORIGINS = 3
_FEWEST_PERIODS = 4
_LATEST = 0.8
_EARLIEST = 1 / 3
_STEPS = 200
_FTOL = 1e-13
_ITERATIONS = 200
_FLOOR = 1e-300


@dataclass(frozen=True, slots=True, eq=False)
class Backtest:
    """What families fitted to earlier periods foresaw of the later ones.

    Attributes
    ----------
    origins : tuple of int
        Origins: last periods of the data that the families were fitted to; none where follow-up is too short.
    end : int
        Last period predicted.
    reason : str
        Why there is no backtest, or no weights: ``short_follow_up``, ``none_converged``, ``none_fitted``; empty where
        there are.
    weights : ndarray of shape (n_fits,)
        Of the fits that were tested; all 0 where there is a reason.
    scores : DataFrame
        ``kind, model, origin, log_score`` (mean over customers), ``survival_error`` and ``tenure_error`` (predicted
        minus observed, averaged over levels by customers at risk; the latter in periods), ``covered`` (share of the
        levels whose restricted mean the 95 % prediction interval holds).
    calibration : DataFrame
        ``kind, origin, level, predicted, observed, n``: survival from the origin to the end.
    facts : mapping of str to int
        Numbers that go with the reason.
    """

    origins: tuple[int, ...]
    end: int
    reason: str
    weights: np.ndarray
    scores: pd.DataFrame
    calibration: pd.DataFrame
    facts: Mapping[str, int] = field(default_factory=dict)


def origins_of(periods: PersonPeriods) -> tuple[tuple[int, ...], int]:
    """Choose three origins, even between a third and four fifths of follow-up, each with losses in four periods.

    Parameters
    ----------
    periods : PersonPeriods
        The counts.

    Returns
    -------
    origins : tuple of int
        Fewer than three where follow-up is too short.
    end : int
        Last period with ten customers at risk.
    """
    enough = np.flatnonzero(periods.at_risk.sum(axis=0) >= FEWEST_AT_RISK)
    end = int(enough[-1]) + 1 if enough.size else 0
    seen = np.cumsum(periods.lost.sum(axis=0) > 0)
    usable = np.flatnonzero(seen >= _FEWEST_PERIODS)
    if not usable.size:
        return (), end
    first = max(int(usable[0]) + 1, int(np.ceil(_EARLIEST * end)))
    last = int(_LATEST * end)
    origins = (
        np.unique(np.linspace(first, last, ORIGINS).round().astype(int))
        if last >= first
        else np.array([], int)
    )
    return tuple(int(t) for t in origins), end


def backtest(
    fits: Sequence[Fit],
    periods: PersonPeriods,
    spells: Spells,
    effects: tuple[Effect, ActsOn],
    rng: np.random.Generator,
) -> Backtest:
    """Fit the members of the average up to each origin, and score what came after.

    The member of a class is that of the whole follow-up or, where an origin has too few periods with losses for it,
    the richest of its class that the origin allows.

    Parameters
    ----------
    fits : sequence of Fit
        To the whole follow-up.
    periods : PersonPeriods
        What they were fitted to.
    spells : Spells
        The same customers; their strata are merged where those of ``periods`` are.
    effects : (effect, acts_on)
        As the fits were made, see `fitting.fit`.
    rng : Generator
        For the intervals.
    """
    origins, end = origins_of(periods)
    chosen = [fits[k] for k in members(fits)]
    if len(origins) < ORIGINS:
        room = {"origins": len(origins), "of": ORIGINS, "least": _FEWEST_PERIODS}
        return _none(len(fits), "short_follow_up", end, room)
    if not chosen:
        return _none(len(fits), "none_converged", end)
    scored: list[pd.DataFrame] = []
    seen: list[pd.DataFrame] = []
    probabilities, customers = [], []
    for origin in origins:
        then = _known_by(periods, origin)
        refits = _refitted(chosen, then, effects)
        cells = BacktestCells.of(spells, periods, origin, end)
        p = np.array(
            [
                outcome_probabilities(one, cells) if one is not None else np.full(len(cells.n), LEAST)
                for one in refits
            ]
        ).T
        probabilities.append(p)
        customers.append(cells.n)
        later = Later.of(periods, origin, end)
        for one, old, column in zip(refits, chosen, p.T, strict=True):
            if one is not None:
                score = float(cells.n @ np.log(column) / cells.n.sum())
                made, points = backtest_errors(one, later, rng)
                at = {"kind": old.family.kind, "model": one.family.name, "origin": origin}
                scored.append(pd.DataFrame([{**at, "log_score": score, **made}]))
                seen.append(points.assign(kind=old.family.kind, origin=origin))
    if not scored:
        return _none(len(fits), "none_fitted", end)
    weights = np.zeros(len(fits))
    weights[members(fits)] = stacked(np.concatenate(probabilities), np.concatenate(customers))
    scores = pd.concat(scored, ignore_index=True)
    return Backtest(origins, end, "", weights, scores, pd.concat(seen, ignore_index=True))


def _none(n_fits: int, reason: str, end: int, facts: Mapping[str, int] | None = None) -> Backtest:
    columns = ["kind", "model", "origin", "log_score", "survival_error", "tenure_error", "covered"]
    scores = pd.DataFrame(columns=columns)
    points = pd.DataFrame(columns=["kind", "origin", "level", "predicted", "observed", "n"])
    return Backtest((), end, reason, np.zeros(n_fits), scores, points, facts or {})


def stacked(probabilities: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Weights of the mixture with the highest log score: max Σ n·log(P w) over the simplex.

    Parameters
    ----------
    probabilities : ndarray of shape (n_cells, n_models)
        What each model gave to what each customer of a cell then did.
    n : ndarray of shape (n_cells,)
        Customers.

    Returns
    -------
    ndarray of shape (n_models,)
        They sum to 1.

    Examples
    --------
    Six of ten customers did what the first model had thought likelier:

    >>> stacked(np.array([[0.8, 0.1], [0.2, 0.1], [0.1, 0.6]]), np.array([5, 1, 4])).round(3)
    array([0.633, 0.367])
    """
    share = n / n.sum()
    weights = np.full(probabilities.shape[1], 1 / probabilities.shape[1])
    for _ in range(_STEPS):
        weights = weights * (probabilities.T @ (share / (probabilities @ weights)))
    # EM comes near quickly and then creeps: the end by quadratic programming
    optimum = minimize(  # type: ignore[call-overload]  # its stubs know dtype float64 only
        lambda w: -share @ np.log(np.maximum(probabilities @ w, _FLOOR)),
        weights / weights.sum(),
        jac=lambda w: -probabilities.T @ (share / np.maximum(probabilities @ w, _FLOOR)),
        method="SLSQP",
        bounds=[(0.0, 1.0)] * len(weights),
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
        options={"ftol": _FTOL, "maxiter": _ITERATIONS},
    )
    better = np.maximum(np.asarray(optimum.x), 0.0)
    shares: np.ndarray = better / better.sum()
    if not share @ np.log(probabilities @ shares) >= share @ np.log(probabilities @ weights):
        shares = weights / weights.sum()
    return shares


def _known_by(periods: PersonPeriods, origin: int) -> PersonPeriods:
    """Censor at an origin; pairs without customers at risk before it are left out."""
    at_risk, lost = periods.at_risk[:, :origin], periods.lost[:, :origin]
    there = at_risk.sum(axis=1) > 0
    return replace(
        periods,
        level=periods.level[there],
        stratum=periods.stratum[there],
        at_risk=at_risk[there],
        lost=lost[there],
    )


def _refitted(chosen: Sequence[Fit], then: PersonPeriods, effects: tuple[Effect, ActsOn]) -> list[Fit | None]:
    """Fit each class to what was known then; None where none of a class can be."""
    by_name = {family.name: family for family in menu(then.lost.sum(axis=0))}
    n_periods = int((then.lost.sum(axis=0) > 0).sum())
    fits: dict[str, Fit | Unfitted] = {}
    refits: list[Fit | None] = []
    for old in chosen:
        family = _allowed(old.family, by_name, n_periods)
        if family is None:
            refits.append(None)
            continue
        near = old if old.family.name == family.name else None
        refit = fit(family, then, *effects, contained=fits, near=near)
        fits[family.name] = refit
        refits.append(refit if isinstance(refit, Fit) and refit.converged else None)
    return refits


def _allowed(family: Family, by_name: dict[str, Family], n_periods: int) -> Family | None:
    """The same family, or the richest of its class that so many periods with losses allow."""
    own = by_name[family.name]
    if len(own.parameters) < n_periods:
        return own
    others = [one for one in by_name.values() if one.kind == family.kind and len(one.parameters) < n_periods]
    return max(others, key=lambda one: len(one.parameters)) if others else None
