"""Published curves that were followed to their end: seven curves of six sources, read where they are, never copied.

Fader & Hardie (2007) print two segments of one company's customers over twelve years: one source. The other five are
curves of how many patients still take a medicine, by month, digitised by others from five publications; they stand in a
table beside the project, and are left out where it is not there.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cxlink.cohort.count.spells import Spells
from cxlink.study.published import read
from validation.extrapolation.long_law import LongLaw, as_spells

PERSISTENCE = Path(__file__).resolve().parents[3] / "shared" / "data" / "persistence_curves.csv"
FADER_HARDIE = "fader_hardie_2007"
FRACTIONS = (0.4, 0.5, 0.6)
"""Of a curve, to which it is fitted."""


@dataclass(frozen=True, slots=True, eq=False)
class FollowedCurve:
    """A curve that was followed to its end.

    Attributes
    ----------
    source, name : str
        Where it is from, and which of that source's it is.
    survival : ndarray of shape (n_periods + 1,)
        S(t) at t = 0, 1, …; never rising (a digitised one may, by its last digit).
    """

    source: str
    name: str
    survival: np.ndarray

    @property
    def last(self) -> int:
        """Its last period."""
        return len(self.survival) - 1

    def origins(self) -> tuple[int, ...]:
        """Periods that it is fitted to: `FRACTIONS` of it."""
        return tuple(round(fraction * self.last) for fraction in FRACTIONS)


def followed_curves(persistence: Path = PERSISTENCE) -> dict[str, FollowedCurve]:
    """Every curve that is there, by name."""
    segments = read(FADER_HARDIE).groupby("segment", sort=True)
    curves = [
        FollowedCurve(FADER_HARDIE, str(name), _falling(rows.sort_values("year")["surviving"]))
        for name, rows in segments
    ]
    if persistence.is_file():
        table = pd.read_csv(persistence)
        curves += [
            FollowedCurve(f"persistence_{str(name).lower()}", str(name), _falling(rows["percent"] / 100))
            for name, rows in table.sort_values("period").groupby("curve", sort=True)
        ]
    return {curve.name: curve for curve in curves}


def _falling(values: pd.Series) -> np.ndarray:
    fallen: np.ndarray = np.minimum.accumulate(values.to_numpy(float))
    return fallen


def law_of(curve: FollowedCurve, origin: int) -> LongLaw:
    """Customers of one level and no stratum whose survival the curve is, observed to an origin."""
    observed = np.zeros(origin)
    observed[-1] = 1.0
    return LongLaw(
        curve.name, np.ones((1, 1)), pd.DataFrame(index=range(1)), np.log(curve.survival)[None, None], observed,
        (1,), (2,),
    )  # fmt: skip


def drawn_exits(curve: FollowedCurve, customers: int, rng: np.random.Generator) -> np.ndarray:
    """Customers lost in each period, and last those still there at the end; shape (n_periods + 1,)."""
    exits: np.ndarray = rng.multinomial(customers, np.r_[-np.diff(curve.survival), curve.survival[-1]])
    return exits


def observed_to(exits: np.ndarray, origin: int) -> Spells:
    """A cohort's spells when it has been observed to an origin."""
    counted = np.zeros((1, origin, 2), dtype=np.int64)
    counted[0, :, 1] = exits[:origin]
    counted[0, -1, 0] = exits[origin:].sum()
    return as_spells(counted, pd.DataFrame(index=range(1)))
