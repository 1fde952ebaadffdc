"""What surveys that repeat tend to when counted in other ways: each followed to the next one, each customer once.

By enumeration of every sequence of answers, for each value of the trait on a grid.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from cxlink.groups.changed_scores import Move
from validation.survey_laws import GAP, GRID, LEVELS, WAVES, SurveyLaw, readings

HORIZON = 2 * GAP
"""Of retention: beyond the next wave, so that where follow-up ends matters."""
FOLLOWED = GAP * (WAVES - 1) + HORIZON
"""Months from the first wave to the end of observation: every survey is followed to the horizon, or to the next."""
CELL = ["score", "last", "number", "since"]
"""What tells expected surveys apart: the score, the one before (0: none), the survey's number, waves since the last."""
UNTIL_NEXT, PER_CUSTOMER, MAIN = "until_next", "per_customer", "main"
AT_RISK, LOST = ([f"{what}.{t + 1}" for t in range(FOLLOWED)] for what in ("at_risk", "lost"))


@dataclass(frozen=True, slots=True)
class _Answered:
    """A survey in a sequence of answers."""

    wave: int
    cell: tuple[int, int, int, int]


_History = tuple[_Answered, ...]


def wave_laws() -> dict[str, SurveyLaw]:
    """Every law, by name."""
    laws = (
        SurveyLaw(
            "acts", "the score itself acts until the next survey: hazard × 0.74 a level; the trait does nothing else",
            trait=0.0, acts=0.3,
        ),
        SurveyLaw("stable", "a trait that never changes, read with noise: nothing that is answered acts"),
        SurveyLaw("planted", "the same, and a fall multiplies the hazard by 1.8 until the next survey", fall=0.6),
        SurveyLaw("silent", "as stable, but customers of a low trait answer less often (odds 0.5 a unit)", silence=0.7),
    )  # fmt: skip
    return {law.name: replace(law, followed=FOLLOWED) for law in laws}


@cache
def expected(law: SurveyLaw, scenario: str) -> pd.DataFrame:
    """Expected surveys of each `CELL`, a share of the customers; of ``per_customer`` the sum of their weights.

    Returns
    -------
    DataFrame
        `CELL`, ``at_risk.t`` and ``lost.t`` in month t; ``unasked``: retained at the horizon had nobody been asked
        again.
    """
    customers = _customers(law)
    if scenario == UNTIL_NEXT:
        made = [_until_next(law, history, mass) for history, mass, _, answered in customers if answered]
    else:
        weighted = scenario == PER_CUSTOMER
        made = [
            row
            for history, mass, wave, _ in customers
            for row in _whole(law, history, mass, wave, weighted=weighted)
        ]
    return pd.DataFrame(made).groupby(CELL).sum().reset_index()


def _customers(law: SurveyLaw) -> Iterator[tuple[_History, np.ndarray, int, bool]]:
    """Give customers at each wave, once it is answered, by what they answered so far; those left after the last month.

    Yields
    ------
    tuple
        Their surveys; how many they are by trait; the wave; whether they answered it.
    """
    state: dict[_History, np.ndarray] = {(): norm.pdf(GRID) / norm.pdf(GRID).sum()}
    for wave in range(FOLLOWED // GAP):
        new: dict[_History, np.ndarray] = {}
        for before, mass in state.items():
            for history, there in _asked(law, wave, before, mass):
                yield history, there, wave, history is not before
                new[history] = new.get(history, 0) + there * (1 - _hazard(law, history)) ** GAP
        state = new
    yield from ((history, mass, FOLLOWED // GAP, False) for history, mass in state.items())


def _asked(
    law: SurveyLaw, wave: int, history: _History, mass: np.ndarray
) -> Iterator[tuple[_History, np.ndarray]]:
    """Those of a history who do not answer a wave, and those who give each score in it."""
    if wave >= WAVES:
        yield history, mass
        return
    last, since = (history[-1].cell[0], wave - history[-1].wave) if history else (0, 0)
    answers, probability = law.answers(GRID, last), readings(GRID, law.reads)
    yield history, mass * (1 - answers)
    for score in range(1, LEVELS + 1):
        now = _Answered(wave, (score, last, min(len(history) + 1, 3), since))
        yield (*history, now), mass * answers * probability[:, score - 1]


def _hazard(law: SurveyLaw, history: _History) -> np.ndarray:
    score, last = history[-1].cell[:2] if history else (0, 0)
    return law.hazard(GRID, np.array(score < last), score)


def _until_next(law: SurveyLaw, history: _History, mass: np.ndarray) -> dict[str, Any]:
    """The last survey of a history, followed to the next one."""
    stays, month, wave = 1 - _hazard(law, history), np.arange(FOLLOWED)[:, None], history[-1].wave
    asked = np.minimum(month // GAP, WAVES - 1 - wave)
    silent = 1 - law.answers(GRID, history[-1].cell[0])
    at_risk = mass * stays**month * silent**asked * _followed(wave)[:, None]
    row = _row(history[-1], at_risk.sum(axis=1), (at_risk * (1 - stays)).sum(axis=1))
    return {**row, "unasked": (mass * stays**HORIZON).sum()}


def _whole(
    law: SurveyLaw, history: _History, mass: np.ndarray, wave: int, *, weighted: bool
) -> Iterator[dict[str, Any]]:
    """Every survey of the customers who are lost between a wave and the next, or never."""
    hazard = _hazard(law, history)
    last = wave == FOLLOWED // GAP
    each = np.array([(mass * hazard * (1 - hazard) ** t).sum() for t in range(GAP)]) * (not last)
    weight = 1 / len(history) if weighted and history else 1.0
    for survey in history:
        lost, from_month = np.zeros(FOLLOWED + GAP), GAP * (wave - survey.wave)
        lost[from_month : from_month + GAP] = each
        total = mass.sum() if last else each.sum()
        at_risk = (total - np.concatenate([[0.0], np.cumsum(lost)]))[:FOLLOWED] * _followed(survey.wave)
        yield _row(survey, weight * at_risk, weight * lost[:FOLLOWED])


def _followed(wave: int) -> np.ndarray:
    """Whether surveys of a wave are observed in each month."""
    return np.arange(FOLLOWED) < FOLLOWED - GAP * wave


def _row(survey: _Answered, at_risk: np.ndarray, lost: np.ndarray) -> dict[str, Any]:
    return {
        **dict(zip(CELL, survey.cell, strict=True)), **dict(zip(AT_RISK, at_risk, strict=True)),
        **dict(zip(LOST, lost, strict=True)),
    }  # fmt: skip


def retention(cells: pd.DataFrame) -> float:
    """What the share retained at the horizon of some expected surveys, together, tends to."""
    total = cells[[*AT_RISK, *LOST]].sum()
    return float(np.prod(1 - total[LOST[:HORIZON]].to_numpy() / total[AT_RISK[:HORIZON]].to_numpy()))


@cache
def level_truths(law: SurveyLaw, scenario: str) -> dict[str, float]:
    """Retention of the surveys of each level."""
    return {str(level): retention(own) for level, own in expected(law, scenario).groupby("score")}


@cache
def change_truths(law: SurveyLaw, scenario: str) -> dict[tuple[Move, str], tuple[float, float]]:
    """Retention of scores that changed, and of those that stayed, averaged over the surveys whose score changed.

    Returns
    -------
    dict of (str, str) to (float, float)
        By the change and what it is given: ``fall``, ``last``.
    """
    cells, found = expected(law, scenario), dict[tuple[Move, str], tuple[float, float]]()
    cells = cells[cells["last"] > 0]
    signs: dict[Move, int] = {"fall": -1, "rise": 1}
    for move, sign in signs.items():
        for beside, level in (("last", "last"), ("present", "score")):
            parts = []
            for _, own in cells.groupby([level, "number", "since"]):
                change = np.sign(own["score"] - own["last"])
                moved, stayed = own[change == sign], own[change == 0]
                if len(moved):
                    parts.append((moved[AT_RISK[0]].sum(), retention(moved), retention(stayed)))
            size, *both = np.array(parts).T
            found[move, beside] = (float(size @ both[0] / size.sum()), float(size @ both[1] / size.sum()))
    return found
