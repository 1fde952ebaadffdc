"""Intervals of clustered customers: Student's, by the buckets that an estimate stands on, or none.

Standard errors are those of draws and sandwiches over the buckets. What is not drawn so has no interval here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit, ndtri, stdtr, stdtrit

from cxlink.checks import Check
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.errors import InputError
from cxlink.estimands.e_values import e_value
from cxlink.estimands.second_opinions import opinions
from cxlink.estimands.support_checks import LEAST_SUPPORT
from cxlink.groups.effective_buckets import FEWEST_EFFECTIVE, EffectiveBuckets, effective_buckets

Row = dict[str, Any]
OVER_BUCKETS = frozenset({
    "kaplan_meier", "grouped_ph", "spliced", "means", "poisson", "gamma", "two_part", "log_ols", "line", "bayes",
    "bayes_sbg",
}) | opinions()  # fmt: skip
"""Models whose draws and sandwiches are made over buckets."""
SATURATED = frozenset({"kaplan_meier", "means", "spliced", "line"})
"""Of these, models that have each level and stratum by itself."""
OF_ALL_STRATA = frozenset({"spliced"})
"""Of these, models that average strata in which a level has one bucket as well, which says nothing of its error."""
NOT_OVER_BUCKETS = frozenset({"measurement_error"})
"""Scenarios that rest on a part whose error is not known over buckets."""
CHECKS_OVER_BUCKETS = frozenset({
    "trend", "spend_trend", "control_difference", "proportionality", "proportionality_ahead",
    "calendar_drift",
})  # fmt: skip
"""Checks whose intervals are made over buckets."""
STUDENTS_ALREADY = frozenset({
    "score_change", "level_or_change", "answered_again_by_fall", "quarter_retention", "driver_first",
})  # fmt: skip
"""Checks whose intervals are Student's already."""
OF_INDEPENDENT = frozenset({
    "predicted_losses", "predicted_pattern", "predicted_zeros", "predicted_mean", "predicted_spread",
})  # fmt: skip
"""Checks against replicated cohorts of independent customers, which decide nothing of others; fact ``missed``."""
_OF_TESTS = frozenset({"z", "p", "std_error"})
_DONE = "over_buckets"
_ENDS = ("std_error", "conf_low", "conf_high")
_NONE = dict.fromkeys(_ENDS, np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class Clustering:
    """How intervals of a clustered cohort are made.

    Attributes
    ----------
    counts : Counts
        Of the cohort.
    buckets : EffectiveBuckets or None
        Its customers by bucket; None where they are no longer known: nothing then has an interval.
    """

    counts: Counts
    buckets: EffectiveBuckets | None

    def rows(self, rows: Iterable[Row]) -> list[Row]:
        """Give every row the interval that its buckets allow; a row that has it already is left as it is."""
        return [row if row.get(_DONE) else self._row(row) | {_DONE: True} for row in rows]

    def _row(self, row: Row) -> Row:
        if all(np.isnan(row[end]) for end in _ENDS):
            return row
        effective = self._effective(row)
        if effective is None or effective < FEWEST_EFFECTIVE or self._rests_on_single(row):
            return {**row, **_NONE}
        if row["estimand"] == "e_value":
            return {**row, "conf_low": _e_value_limit(row, effective)}
        low, high = student_ends(row, effective)
        return {**row, "conf_low": low, "conf_high": high}

    def _effective(self, row: Row) -> float | None:
        """What a row stands on; None where its error is not known over buckets."""
        scenario = str(row.get("scenario") or "")
        if self.buckets is None or row["model"] not in OVER_BUCKETS or scenario in NOT_OVER_BUCKETS:
            return None
        sides = tuple(side for side in (row["group"], row.get("reference") or "") if side)
        try:
            # an additive model borrows over the strata: no single one of them bounds what it stands on
            adjusted = (row.get("adjusted") or "no") if row["model"] in SATURATED else "no"
            return self.buckets.effective(sides, adjusted, row.get("stratum") or "")
        except InputError:
            return None

    def _rests_on_single(self, row: Row) -> bool:
        """Whether over a tenth of the customers averaged are of strata where a level has one bucket."""
        if (
            self.buckets is None
            or row["model"] not in OF_ALL_STRATA
            or row.get("adjusted") in ("no", "", None)
        ):
            return False
        sides = tuple(side for side in (row["group"], row.get("reference") or "") if side)
        return self.buckets.share_of_several(sides, row.get("stratum") or "") < LEAST_SUPPORT

    def curves(self, curves: pd.DataFrame) -> pd.DataFrame:
        """Give fitted curves the intervals that rows have: ``model``, ``group``, ``estimate``, ``conf_low``, …."""
        if not len(curves):
            return curves
        made = []
        rows: list[Row] = curves.to_dict("records")  # type: ignore[assignment]
        for row in rows:
            shown = {
                **row,
                "std_error": np.nan,
                "level": self.counts.spec.analysis.level,
                "unit": "probability",
            }
            done = self._row({**shown, "estimand": "retention", "reference": "", "stratum": ""})
            made.append((done["conf_low"], done["conf_high"]))
        return curves.assign(conf_low=[low for low, _ in made], conf_high=[high for _, high in made])

    def checks(self, checks: Iterable[Check]) -> list[Check]:
        """Give checks over buckets Student's interval and p-value; others have none."""
        return [self._check(check) for check in checks]

    def _check(self, check: Check) -> Check:
        if check.code in OF_INDEPENDENT:
            return replace(check, passed=None, facts={**check.facts, "missed": check.passed is False})
        if not (np.isfinite(check.low) or np.isfinite(check.high) or set(check.facts) & _OF_TESTS):
            return check
        if check.code in STUDENTS_ALREADY:
            return check
        effective = None
        if self.buckets is not None and check.code in CHECKS_OVER_BUCKETS:
            sides = tuple(str(side) for side in (check.group or "all", check.get("reference")) if side)
            effective = self.buckets.effective(sides, "no")
        if effective is None or effective < FEWEST_EFFECTIVE:
            none = {name: np.nan for name in check.facts if name in _OF_TESTS}
            return replace(
                check, low=np.nan, high=np.nan, facts={**check.facts, **none}, passed=_undecided(check)
            )
        return _students(check, effective, self.counts.spec.analysis.level)

    def coefficients(self, rows: Sequence[Row]) -> list[Row]:
        """Give coefficients the interval that the buckets of their level and reference allow."""
        return [self._coefficient(row) for row in rows]

    def _coefficient(self, row: Row) -> Row:
        effective = self._of_term(row)
        row = {**row, "freedom": 0.0 if effective is None else effective}
        if row["freedom"] < FEWEST_EFFECTIVE:
            return {**row, **_NONE}
        factor = student_factor(row["freedom"], row["level_of_interval"])
        ends = {end: row["estimate"] + factor * (row[end] - row["estimate"]) for end in _ENDS[1:]}
        return {**row, **ends}

    def _of_term(self, row: Row) -> float | None:
        if self.buckets is None or row["model"] not in OVER_BUCKETS:
            return None
        if row["levels_compared"] and row["adjusted"] != "interacting":
            return self.buckets.effective(
                row["levels_compared"], "no"
            )  # as its contrast in the estimates has
        return float(row["freedom"])


def clustering(counts: Counts) -> Clustering | None:
    """Say how intervals are made; None where customers are independent."""
    if counts.spec.cluster_column is None:
        return None
    return Clustering(counts, effective_buckets(counts))


def student_factor(freedom: float, level: float) -> float:
    """How much wider Student's interval is than the normal one.

    Examples
    --------
    >>> print(f"{student_factor(10, 0.95):.3f}")
    1.137
    """
    q = (1 + level) / 2
    return float(stdtrit(freedom, q) / ndtri(q))


def student_ends(row: Row, freedom: float) -> tuple[float, float]:
    """Stretch the interval of a row, on the scale that keeps it where the quantity can be.

    Ratios and amounts on the scale of their logarithm, probabilities on that of their logit, differences as they are.
    """
    factor, ends = student_factor(freedom, row["level"]), np.array([row["conf_low"], row["conf_high"]])
    point = float(row["estimate"])
    inside = np.isfinite(ends).all() and np.isfinite(point)
    if row["unit"] == "ratio" or (not row.get("reference") and row["unit"] != "probability"):
        if not inside or point <= 0 or (ends <= 0).any():
            return _stretched(ends, point, factor)
        low, high = np.exp(_stretched(np.log(ends), float(np.log(point)), factor))
        return float(low), float(high)
    if row["unit"] == "probability" and not row.get("reference") and 0 < point < 1:
        with np.errstate(divide="ignore", invalid="ignore"):
            low, high = expit(_stretched(logit(np.clip(ends, 0.0, 1.0)), float(logit(point)), factor))
        return float(low), float(high)
    return _stretched(ends, point, factor)


def _stretched(ends: np.ndarray, point: float, factor: float) -> tuple[float, float]:
    if not np.isfinite(point):
        return np.nan, np.nan
    low, high = (end if np.isinf(end) else point + factor * (end - point) for end in ends)
    return float(low), float(high)


def _e_value_limit(row: Row, freedom: float) -> float:
    """The E-value of the limit nearer 1 once it is stretched: with R = E²/(2E − 1) the ratio over 1 of an E-value."""
    limit, estimate = (float(value) for value in (row["conf_low"], row["estimate"]))
    if np.isnan(limit) or limit <= 1 or not np.isfinite(estimate):
        return limit
    log_limit, log_ratio = (float(np.log(e**2 / (2 * e - 1))) for e in (limit, estimate))
    moved = log_ratio + student_factor(freedom, row["level"]) * (log_limit - log_ratio)
    return e_value(float(np.exp(max(moved, 0.0))))


def _students(check: Check, freedom: float, level: float) -> Check:
    """Stretch the interval of a check, a ratio unless it is a difference, and take its p-value from Student's t."""
    factor, facts = student_factor(freedom, level), dict(check.facts)
    if "z" in facts:
        facts["p"] = 2 * float(stdtr(freedom, -abs(float(facts["z"]))))  # type: ignore[arg-type]
    ends = np.array([check.low, check.high])
    if check.code == "control_difference":
        return replace(check, facts=facts)  # made of a row that is stretched already
    with np.errstate(divide="ignore"):
        low, high = np.exp(_stretched(np.log(ends), float(np.log(check.value)), factor))
    passed = check.passed
    if passed and check.code == "proportionality_ahead":
        passed = True if max(high, 1 / low) <= check.bound else None
    return replace(check, low=float(low), high=float(high), facts=facts, passed=passed)


def _undecided(check: Check) -> bool | None:
    """A check that is held against its interval decides nothing without one."""
    return None if check.code in ("proportionality_ahead", "control_difference") else check.passed
