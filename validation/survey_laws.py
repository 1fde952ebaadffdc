"""Laws of customers who are surveyed several times, with the two contrasts of a fall worked out by recursion."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import norm

from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.counts import PER_CUSTOMER, Counts, add_up
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.count.survey_history import FIRST
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec

LEVELS = 5
GAP, WAVES, FOLLOWED = 4, 3, 14
"""Months between waves, waves, and months from the first one to the end of observation unless a law says otherwise."""
HORIZON = GAP
"""Of retention: to the next wave, so that no later score has a part in the truth."""
GRID = np.linspace(-6.0, 6.0, 241)
"""Values of the trait that recursions take."""
STRATA = ["stratum.previous_score", "stratum.survey_number", "stratum.since_last_survey"]
_STRATA = ("2 <6", "2 6-<12", "3 <6")
_NEVER = np.iinfo(int).max // 2
"""Month in which nobody is lost or surveyed."""


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
    trait : float
        How much lower the log hazard is for each unit of the trait.
    acts : float
        How much lower the log hazard is for each level by which the last score is over 3.
    followed : int
        Months from the first wave to the end of observation.
    willing : float
        Log-odds of an answer at a trait of 0.
    again : float
        How much higher they are for each level by which the last score is over 3.
    reads : float
        How much higher a score is for each unit of the trait; 0: scores are noise.
    """

    name: str
    about: str
    fall: float = 0.0
    silence: float = 0.0
    trait: float = 0.5
    acts: float = 0.0
    followed: int = FOLLOWED
    willing: float = 1.7
    again: float = 0.0
    reads: float = 0.8

    def hazard(self, trait: np.ndarray, fell: np.ndarray, last: np.ndarray | int = 0) -> np.ndarray:
        """Share of the customers lost in a month; ``last`` is their last score, 0 of those without one."""
        opinion = self.trait * trait + self.acts * np.where(last, last - 3, 0)
        lost: np.ndarray = -np.expm1(-np.exp(-2.6 - opinion + self.fall * fell))
        return lost

    def answers(self, trait: np.ndarray, last: np.ndarray | int = 0) -> np.ndarray:
        """Probability that a customer answers a survey; ``last`` is their last score, 0 of those without one."""
        share: np.ndarray = expit(
            self.willing + self.silence * trait + self.again * np.where(last, last - 3, 0)
        )
        return share

    def drawn(self, customers: int, rng: np.random.Generator) -> Counts:
        """Draw a cohort as counts, as a table of surveys would be counted."""
        return survey_counts(self.surveys(customers, rng), survey_spec())

    def surveys(self, customers: int, rng: np.random.Generator) -> pd.DataFrame:
        """Draw the surveys that a cohort answers.

        Returns
        -------
        DataFrame
            A row a survey: ``customer``, ``bucket``, ``wave``, ``score``, ``last`` (the score before; 0: none),
            ``number``, ``since`` (waves since the last one), ``stayed`` and ``followed`` (months from it to loss, and
            to the end of observation).
        """
        trait, lost_at = rng.normal(size=customers), np.full(customers, np.iinfo(int).max)
        last, fell = np.zeros(customers, dtype=int), np.zeros(customers, dtype=bool)
        number, before = np.zeros(customers, dtype=int), np.zeros(customers, dtype=int)
        bucket = rng.integers(0, BUCKETS, customers)
        pieces: list[dict[str, np.ndarray | int]] = []
        for wave in range(WAVES):
            at = np.flatnonzero((lost_at > GAP * wave) & (rng.random(customers) < self.answers(trait, last)))
            read = 3 + self.reads * trait[at] + 0.8 * rng.normal(size=len(at))
            score = np.clip(np.rint(read), 1, LEVELS).astype(int)
            fell[at] = (last[at] > 0) & (score < last[at])
            number[at] += 1
            pieces.append({
                "customer": at, "bucket": bucket[at], "wave": wave, "score": score, "last": last[at],
                "number": number[at], "since": wave - before[at], "followed": self.followed - GAP * wave,
            })  # fmt: skip
            last[at], before[at] = score, wave
            months = GAP if wave < WAVES - 1 else self.followed - GAP * (WAVES - 1)
            there = lost_at > GAP * wave
            stays = rng.geometric(self.hazard(trait, fell, last)[there])
            lost_at[there] = np.minimum(lost_at[there], GAP * wave + np.where(stays <= months, stays, _NEVER))
        made = pd.concat([pd.DataFrame(piece) for piece in pieces], ignore_index=True)
        return made.assign(stayed=lost_at[made["customer"]] - GAP * made["wave"])

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
        probability = readings(GRID, self.reads)
        density = norm.pdf(GRID) / norm.pdf(GRID).sum()
        masses = np.zeros((2, 2, LEVELS, LEVELS, len(_STRATA)))
        # by trait, last score (0: none), whether it was a fall, surveys answered, waves since
        state = {(0, False, 0, 0): density}
        for _ in range(WAVES):
            new: dict[tuple[int, bool, int, int], np.ndarray] = {}
            for (last, fall, number, since), mass in state.items():
                share = self.answers(GRID, last)
                for score in range(LEVELS):
                    now = mass * share * probability[:, score]
                    falls = bool(last) and score + 1 < last
                    if last and score + 1 <= last:
                        stratum = _STRATA.index(f"{number + 1} {'<6' if GAP * (since + 1) < 6 else '6-<12'}")
                        stay = (1 - self.hazard(GRID, np.array(falls))) ** HORIZON
                        place = (int(not falls), slice(None), score, last - 1, stratum)
                        masses[place] += [now.sum(), (now * stay).sum()]
                    key = (score + 1, falls, number + 1, 0)
                    new[key] = new.get(key, 0) + now * (1 - self.hazard(GRID, np.array(falls))) ** GAP
                silent = (last, fall, number, since + 1 if last else 0)
                kept = mass * (1 - share) * (1 - self.hazard(GRID, np.array(fall))) ** GAP
                new[silent] = new.get(silent, 0) + kept
            state = new
        return masses[0], masses[1]


def survey_laws() -> dict[str, SurveyLaw]:
    """Every law, by name."""
    laws = (
        SurveyLaw("stable", "a trait that never changes, read with noise: a fall adds nothing to the present score"),
        SurveyLaw("planted", "the same, and a fall multiplies the hazard by 1.8 until the next survey", fall=0.6),
        SurveyLaw("silent", "as stable, but customers of a low trait answer less often (odds 0.5 a unit)", silence=0.7),
        SurveyLaw(
            "eager", "scores are noise that tells nothing, and customers of a high trait (odds 2.7 a unit) and of a "
            "high last score (odds 2.0 a level) answer more often",
            silence=1.0, trait=1.0, willing=0.5, again=0.7, reads=0.0,
        ),
        SurveyLaw(
            "aggrieved", "as eager, the other way round: those of a low trait and of a low last score answer more",
            silence=-1.0, trait=1.0, willing=0.5, again=-0.7, reads=0.0,
        ),
    )  # fmt: skip
    return {law.name: law for law in laws}


def survey_spec(horizon: int = HORIZON) -> CohortSpec:
    """Describe the tables of these laws."""
    tables: dict[str, dict[str, Any]] = {
        "cohort": {"id": "customer", "repeat": "all", "name": "surveys", "simulated": True},
        "score": {"column": "score", "scale": f"1-{LEVELS}", "worst": [1], "best": [LEVELS]},
        "subscription": {"duration": "months", "event": "left", "survey": "day"},
        "analysis": {"horizon": horizon, "draws": 500},
    }
    return make_spec(tables)


def survey_counts(surveys: pd.DataFrame, spec: CohortSpec) -> Counts:
    """Count surveys as a table of them would be counted."""
    last = surveys["last"]
    cells = pd.DataFrame({
        "score": surveys["score"].astype("Int64"), **strata_of(surveys),
        "previous": last.astype("Int64").mask(last == 0),
        "entry": 0, "exit": np.minimum(surveys["stayed"], surveys["followed"]),
        "cause": np.where(surveys["stayed"] <= surveys["followed"], "lost", ""),
        "wave": "", "bucket": surveys["bucket"], "n": 1,
        PER_CUSTOMER: 1 / surveys.groupby("customer")["score"].transform("size"),
    })  # fmt: skip
    return Counts(add_up(cells), spec, Profile("surveys", len(surveys), len(surveys)))


def strata_of(surveys: pd.DataFrame) -> dict[str, np.ndarray]:
    """What surveys are adjusted for by themselves, of ``last``, ``number`` and ``since``."""
    last, number, months = surveys["last"], surveys["number"], GAP * surveys["since"]
    names = (
        np.where(last > 0, last.astype(str), FIRST),
        np.where(number < 3, number.astype(str), "3+"),
        np.where(last > 0, np.where(months < 6, "<6", "6-<12"), FIRST),
    )
    return dict(zip(STRATA, names, strict=True))


def readings(trait: np.ndarray, reads: float = 0.8) -> np.ndarray:
    """Probability of each score given the trait: (n_traits, n_levels)."""
    ends = np.concatenate([[-np.inf], np.arange(1.5, LEVELS), [np.inf]])
    below = norm.cdf((ends - 3 - reads * trait[:, None]) / 0.8)
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
