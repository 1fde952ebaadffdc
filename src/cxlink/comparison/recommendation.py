"""What to do with an old model: keep, recalibrate or re-fit it; by a rule that is printed."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlink.estimands.tidy import select

RATIO, SLOPE = (0.95, 1.05), (0.9, 1.1)
MOST_POINTS = 0.03
VALID, RECALIBRATE, REFIT = "still valid", "recalibrate", "re-fit"
_WORDS = {"retention": "three points", "spend": "three per cent of the mean"}


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What to do with the base's model of one outcome.

    Attributes
    ----------
    base, cohort, estimand : str
        Whose, for whom, of what.
    verdict : str
        `VALID`, `RECALIBRATE` or `REFIT`.
    why : str
        The numbers that decided, in a sentence.
    off : tuple of str
        Levels that are off.
    """

    base: str
    cohort: str
    estimand: str
    verdict: str
    why: str
    off: tuple[str, ...] = ()


def rule(estimand: str) -> str:
    """Give the rule as a sentence."""
    return (
        f"{VALID} where observed over expected is within {RATIO[0]:g} to {RATIO[1]:g} and the slope within "
        f"{SLOPE[0]:g} to {SLOPE[1]:g}, or their intervals include 1; {RECALIBRATE} where the slope is and the ratio "
        f"is not; {REFIT} where the slope is not, or any level is off by over {_WORDS[estimand]} beyond its interval "
        "(once the ratio is put right, where it has to be)"
    )


def verdict_of(calibration: pd.DataFrame) -> Recommendation:
    """Judge one outcome of two cohorts.

    Parameters
    ----------
    calibration : DataFrame
        Its rows of ``calibration.csv``.
    """
    first = calibration.iloc[0]
    estimand = str(first["estimand"])
    ratio, slope = (_row(calibration, name) for name in ("observed_over_expected", "slope"))
    level_fine = ratio is None or _fine(ratio, RATIO)
    slope_fine = slope is None or _fine(slope, SLOPE)
    off = _off(calibration, "difference" if level_fine else "difference_mended", estimand)
    recommended = REFIT if not slope_fine or off else VALID if level_fine else RECALIBRATE
    said = [_said("observed over expected", ratio), _said("slope", slope)]
    if off:
        beyond = f"over {_WORDS[estimand]} beyond its interval"
        said.append(f"score {', '.join(off)} off by {beyond}")
    else:
        said.append(f"no level off by over {_WORDS[estimand]} beyond its interval")
    names = (str(first["base"]), str(first["cohort"]), estimand)
    return Recommendation(*names, recommended, "; ".join(said), tuple(off))


def _row(calibration: pd.DataFrame, quantity: str) -> pd.Series | None:
    rows = select(calibration, quantity=quantity, group="all").dropna(subset="estimate")
    return rows.iloc[0] if len(rows) else None


def _fine(row: pd.Series, ends: tuple[float, float]) -> bool:
    return bool(ends[0] <= row["estimate"] <= ends[1] or row["conf_low"] <= 1 <= row["conf_high"])


def _off(calibration: pd.DataFrame, quantity: str, estimand: str) -> list[str]:
    """Single levels whose interval lies wholly beyond what is tolerated on either side."""
    rows = select(calibration, quantity=quantity)
    rows = rows[rows["group"].str.fullmatch(r"-?\d+")]
    most = np.full(len(rows), MOST_POINTS)
    if estimand == "spend":
        predicted = select(calibration, quantity="predicted").set_index("group")["estimate"]
        most = MOST_POINTS * predicted.reindex(rows["group"]).abs().to_numpy()
    beyond = (rows["conf_low"].to_numpy() > most) | (rows["conf_high"].to_numpy() < -most)
    return list(rows["group"][beyond])


def _said(name: str, row: pd.Series | None) -> str:
    if row is None:
        return f"{name} cannot be told"
    return f"{name} {row['estimate']:.2f} [{row['conf_low']:.2f}, {row['conf_high']:.2f}]"
