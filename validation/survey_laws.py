"""Laws of customers who are surveyed several times, with the two contrasts of a fall worked out by recursion."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import norm

from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.counts import Counts, add_up
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.count.survey_history import FIRST
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec

LEVELS = 5
GAP, WAVES, FOLLOWED = 4, 3, 14
"""Months between waves, waves, and months from the first one to the end of observation."""
HORIZON = GAP
"""Of retention: to the next wave, so that no later score has a part in the truth."""
_GRID = np.linspace(-6.0, 6.0, 241)
_STRATA = ("2 <6", "2 6-<12", "3 <6")


@dataclass(frozen=True, slots=True)
class SurveyLaw:
    """Customers with a trait that never changes, whose scores are noisy readings of it.

    Attributes
    ----------
    name, about : str
        A word and a phrase.
    fall : float
        Log hazard ratio while the last score was a fall.
    silence : float
        How much rarer an answer is, on the log-odds, for each unit by which the trait is lower.
    """

    name: str
    about: str
    fall: float = 0.0
    silence: float = 0.0

    def hazard(self, trait: np.ndarray, fell: np.ndarray) -> np.ndarray:
        """Share of the customers lost in a month."""
        lost: np.ndarray = -np.expm1(-np.exp(-2.6 - 0.5 * trait + self.fall * fell))
        return lost

    def answers(self, trait: np.ndarray) -> np.ndarray:
        """Probability that a customer answers a survey."""
        share: np.ndarray = expit(1.7 + self.silence * trait)
        return share

    def drawn(self, customers: int, rng: np.random.Generator) -> Counts:
        """Draw a cohort as counts, as a table of surveys would be counted."""
        trait, lost_at = rng.normal(size=customers), np.full(customers, np.iinfo(int).max)
        last, fell = np.zeros(customers, dtype=int), np.zeros(customers, dtype=bool)
        number, before = np.zeros(customers, dtype=int), np.zeros(customers, dtype=int)
        bucket = rng.integers(0, BUCKETS, customers)
        pieces: list[tuple[np.ndarray, ...]] = []
        for wave in range(WAVES):
            at = np.flatnonzero((lost_at > GAP * wave) & (rng.random(customers) < self.answers(trait)))
            score = np.clip(np.rint(3 + 0.8 * trait[at] + 0.8 * rng.normal(size=len(at))), 1, LEVELS).astype(
                int
            )
            fell[at] = (last[at] > 0) & (score < last[at])
            number[at] += 1
            pieces.append((at, score, last[at], number[at].copy(), wave - before[at]))
            last[at], before[at] = score, wave
            months = GAP if wave < WAVES - 1 else FOLLOWED - GAP * (WAVES - 1)
            hazard = self.hazard(trait, fell)
            there = lost_at > GAP * wave
            lost_at[there] = np.minimum(
                lost_at[there],
                GAP * wave
                + np.where((t := rng.geometric(hazard[there])) <= months, t, np.iinfo(int).max // 2),
            )
        return _counts(pieces, lost_at, bucket)

    def contrasts(self) -> dict[str, float]:
        """Difference of retention of those whose score fell, given the last score and given the present one.

        By recursion over the waves, for each value of the trait on a grid.
        """
        fell, stayed = self._masses()
        return {beside: _average(fell, stayed, axis) for beside, axis in (("last", 1), ("present", 0))}

    def _masses(self) -> tuple[np.ndarray, np.ndarray]:
        """Of surveys whose score fell, and whose stayed: (2, n_levels, n_levels, n_strata), all and those retained.

        Indices are the present score, the one before, and the stratum.
        """
        readings = _readings(_GRID)
        density = norm.pdf(_GRID) / norm.pdf(_GRID).sum()
        share, masses = self.answers(_GRID), np.zeros((2, 2, LEVELS, LEVELS, len(_STRATA)))
        # by trait, last score (0: none), whether it was a fall, surveys answered, waves since
        state = {(0, False, 0, 0): density}
        for _ in range(WAVES):
            new: dict[tuple[int, bool, int, int], np.ndarray] = {}
            for (last, fall, number, since), mass in state.items():
                for score in range(LEVELS):
                    now = mass * share * readings[:, score]
                    falls = bool(last) and score + 1 < last
                    if last and score + 1 <= last:
                        stratum = _STRATA.index(f"{number + 1} {'<6' if GAP * (since + 1) < 6 else '6-<12'}")
                        stay = (1 - self.hazard(_GRID, np.array(falls))) ** HORIZON
                        place = (int(not falls), slice(None), score, last - 1, stratum)
                        masses[place] += [now.sum(), (now * stay).sum()]
                    key = (score + 1, falls, number + 1, 0)
                    new[key] = new.get(key, 0) + now * (1 - self.hazard(_GRID, np.array(falls))) ** GAP
                silent = (last, fall, number, since + 1 if last else 0)
                kept = mass * (1 - share) * (1 - self.hazard(_GRID, np.array(fall))) ** GAP
                new[silent] = new.get(silent, 0) + kept
            state = new
        return masses[0], masses[1]


def survey_laws() -> dict[str, SurveyLaw]:
    """Every law, by name."""
    laws = (
        SurveyLaw("stable", "a trait that never changes, read with noise: a fall adds nothing to the present score"),
        SurveyLaw("planted", "the same, and a fall multiplies the hazard by 1.8 until the next survey", fall=0.6),
        SurveyLaw("silent", "as stable, but customers of a low trait answer less often (odds 0.5 a unit)", silence=0.7),
    )  # fmt: skip
    return {law.name: law for law in laws}


def survey_spec() -> CohortSpec:
    """Describe the tables of these laws."""
    tables: dict[str, dict[str, Any]] = {
        "cohort": {"id": "customer", "repeat": "all", "name": "surveys", "simulated": True},
        "score": {"column": "score", "scale": f"1-{LEVELS}", "worst": [1], "best": [LEVELS]},
        "subscription": {"duration": "months", "event": "left", "survey": "day"},
        "analysis": {"horizon": HORIZON, "draws": 500},
    }
    return make_spec(tables)


def _readings(trait: np.ndarray) -> np.ndarray:
    """Probability of each score given the trait: (n_traits, n_levels)."""
    ends = np.concatenate([[-np.inf], np.arange(1.5, LEVELS), [np.inf]])
    below = norm.cdf((ends - 3 - 0.8 * trait[:, None]) / 0.8)
    probability: np.ndarray = np.diff(below, axis=1)
    return probability


def _average(fell: np.ndarray, stayed: np.ndarray, axis: int) -> float:
    """Average over the surveys that fell, within levels of the present score (axis 0) or of the last (axis 1)."""
    other = 1 - axis
    changed = fell.sum(axis=1 + other)
    same = stayed.sum(axis=1 + other)
    weight = changed[0] / changed[0].sum()
    inside = weight > 0
    difference = changed[1][inside] / changed[0][inside] - same[1][inside] / same[0][inside]
    return float(weight[inside] @ difference)


def _counts(pieces: list[tuple[np.ndarray, ...]], lost_at: np.ndarray, bucket: np.ndarray) -> Counts:
    frames = list(_frames(pieces, lost_at, bucket))
    cells = add_up(pd.concat(frames, ignore_index=True))
    n = int(cells["n"].sum())
    return Counts(cells, survey_spec(), Profile("surveys", n, n))


def _frames(
    pieces: list[tuple[np.ndarray, ...]], lost_at: np.ndarray, bucket: np.ndarray
) -> Iterator[pd.DataFrame]:
    for wave, (at, score, last, number, since) in enumerate(pieces):
        followed = FOLLOWED - GAP * wave
        stayed = lost_at[at] - GAP * wave
        months = np.where(GAP * since < 6, "<6", "6-<12")
        yield pd.DataFrame({
            "score": pd.array(score, dtype="Int64"),
            "stratum.previous_score": np.where(last > 0, last.astype(str), FIRST),
            "stratum.survey_number": np.where(number < 3, number.astype(str), "3+"),
            "stratum.since_last_survey": np.where(last > 0, months, FIRST),
            "previous": pd.array(np.where(last > 0, last, 0), dtype="Int64"),
            "entry": 0, "exit": np.minimum(stayed, followed), "cause": np.where(stayed <= followed, "lost", ""),
            "wave": "", "bucket": bucket[at], "n": 1,
        }).assign(previous=lambda rows: rows["previous"].mask(rows["previous"] == 0))  # fmt: skip
