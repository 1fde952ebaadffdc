"""What changed between two cohorts, and how well the older one predicts the newer: counts in, rows out."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import Spells, spells_of
from cxlink.cohort.errors import InputError
from cxlink.comparison.cell_curves import cells_of
from cxlink.comparison.clustered.paired_buckets import response_error
from cxlink.comparison.common_support import Aside, Frame, common, frame_of, longest, set_aside
from cxlink.comparison.decomposition import PARTS
from cxlink.comparison.retention_change import RetentionChange, compare_retention
from cxlink.comparison.spend_change import compare_spend
from cxlink.comparison.spend_places import complete_windows
from cxlink.estimands.over_clusters.clustered_rows import student_ends
from cxlink.estimands.tidy import interval
from cxlink.groups.changed_scores import of_first_surveys
from cxlink.groups.effective_buckets import FEWEST_EFFECTIVE
from cxlink.stages import Progress, announce, silent

CHANGES = (
    "base", "cohort", "estimand", "group", "horizon", "part", "estimate", "std_error", "conf_low", "conf_high", "unit",
)  # fmt: skip
CALIBRATION = (
    "base", "cohort", "estimand", "group", "horizon", "quantity", "estimate", "std_error", "conf_low", "conf_high",
    "unit", "n",
)  # fmt: skip
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OutcomeChange:
    """One outcome of two cohorts, compared.

    Attributes
    ----------
    base, cohort, estimand, unit : str
        Names of the cohorts, ``retention`` or ``spend``, and its unit.
    horizon : int or None
        In periods; None for spend.
    changes, calibration : list of dict
        Rows of the tables of those names.
    aside : pair of Aside
        What of the base and of the new cohort could not be compared.
    unused : pair of int
        Cells of the base that the slope leaves out: without a loss (of spend: with none), and with losses only.
    n_cells : int
        Cells that the slope stands on.
    not_estimable : tuple of int
        Levels that the baseline's average leaves out: one of the cohorts lost nobody of them.
    without_spend : str
        The cohort whose windows of spend are all incomplete, so that spend is not compared; empty where there is none.
    clustered : pair of bool
        Whether errors of the base and of the new cohort are over buckets of clusters.
    without_interval : tuple of str
        Groups that too few buckets stand behind.
    """

    base: str
    cohort: str
    estimand: str
    unit: str
    horizon: int | None
    changes: list[Row]
    calibration: list[Row]
    aside: tuple[Aside, Aside]
    unused: tuple[int, int]
    n_cells: int
    not_estimable: tuple[int, ...] = ()
    without_spend: str = ""
    clustered: tuple[bool, bool] = (False, False)
    without_interval: tuple[str, ...] = ()


def outcomes(base: Counts, new: Counts, horizon: int, progress: Progress = silent) -> list[OutcomeChange]:
    """Compare what the specs of two cohorts name: retention, spend, or both.

    Parameters
    ----------
    base, new : Counts
        Of the same kind (`cohort.counts.refuse_mismatch`).
    horizon : int
        Of retention, in periods.
    progress : callable
        Told each outcome as it begins.

    Raises
    ------
    InputError
        If nothing of them can be compared: no level or stratum in both, nobody followed to the horizon in both, or no
        complete window of spend where that is all there is.
    """
    cohorts = (base, new)
    for one in cohorts:
        if not len(one.scored):
            raise InputError(f"{one.spec.cohort.name}: nobody has a score, so there is nothing to compare.")
    spells = (spells_of(base), spells_of(new))
    _something_common(spells, cohorts)
    compared: list[OutcomeChange] = []
    if base.spec.subscription is not None:
        announce(progress, "compared_retention", cohort=new.spec.cohort.name)
        compared.append(_retention(spells, cohorts, horizon))
    if base.spec.spend is not None:
        young = [one.spec.cohort.name for one in cohorts if not one.scored["spend_n"].sum()]
        if young and not compared:
            raise InputError(f"{young[0]}: nobody with a score has a complete window of spend yet.")
        if young:
            return [replace(compared[0], without_spend=young[0])]
        announce(progress, "compared_spend", cohort=new.spec.cohort.name)
        compared.append(_spend(spells, cohorts))
    return compared


def _something_common(spells: tuple[Spells, Spells], cohorts: tuple[Counts, Counts]) -> None:
    levels, strata = common(*spells)
    if levels and len(strata):
        return
    what = "stratum" if levels else "score level"
    one, two = (c.spec.cohort.name for c in cohorts)
    raise InputError(
        f"{two}: no {what} has customers in both it and {one}. Fit both cohorts by one spec, with categories that both "
        "have."
    )


def _groups(frame: Frame, counts: Counts) -> list[tuple[str, np.ndarray]]:
    """Levels that both have, the bands as far as they do, and all."""
    spec = counts.spec
    names = [*(str(level) for level in frame.levels), "worst", "best", "all"]
    groups = [(name, np.isin(frame.levels, spec.group(name))) for name in names]
    return [(name, at) for name, at in groups if at.any()]


def _retention(spells: tuple[Spells, Spells], cohorts: tuple[Counts, Counts], horizon: int) -> OutcomeChange:
    base, new = cohorts
    frame = frame_of(*spells, horizon)
    if not len(frame.stratum):
        reach, unit = longest(*spells), base.spec.unit
        cure = (
            f"Compare them at --horizon {reach}."
            if reach
            else "Wait until both have been followed for longer."
        )
        raise InputError(
            f"{new.spec.cohort.name}: no stratum is followed for {horizon} {unit}s after the score in both it and "
            f"{base.spec.cohort.name}. {cure}"
        )
    rng = np.random.default_rng([base.spec.analysis.seed, horizon, 1])
    one, two = (cells_of(x, frame) for x in spells)
    made = compare_retention(
        one, two, _groups(frame, base), base.spec.analysis.draws, rng, shared=_shared(cohorts)
    )
    aside = (set_aside(spells[0], frame), set_aside(spells[1], frame))
    outcome = _outcome(made, cohorts, ("retention", "probability", horizon), aside)
    return replace(outcome, not_estimable=tuple(frame.levels[k] for k in made.not_estimable))


def _shared(cohorts: tuple[Counts, Counts]) -> bool:
    """Whether both cohorts name the same column of clusters, so that an account may be in both."""
    base, new = (one.spec.cluster_column for one in cohorts)
    return base is not None and base == new


def _spend(spells: tuple[Spells, Spells], cohorts: tuple[Counts, Counts]) -> OutcomeChange:
    base, new = cohorts
    assert base.spec.spend is not None
    assert new.spec.spend is not None
    whole = (complete_windows(spells[0]), complete_windows(spells[1]))
    _something_common(whole, cohorts)
    frame = frame_of(*whole, 0)
    rng = np.random.default_rng([base.spec.analysis.seed, 2])
    refunds = base.spec.spend.refunds or new.spec.spend.refunds
    made = compare_spend(
        whole,
        frame,
        _groups(frame, base),
        base.spec.analysis.draws,
        rng,
        refunds=refunds,
        shared=_shared(cohorts),
    )
    asides = (set_aside(whole[0], frame), set_aside(whole[1], frame))
    return _outcome(made, cohorts, ("spend", base.spec.spend.currency, None), asides)


def _outcome(
    made: RetentionChange,
    cohorts: tuple[Counts, Counts],
    what: tuple[str, str, int | None],
    aside: tuple[Aside, Aside],
) -> OutcomeChange:
    """Make the rows of an outcome; ``what`` is its estimand, unit and horizon."""
    estimand, unit, horizon = what
    base, new = (one.spec.cohort.name for one in cohorts)
    level = cohorts[0].spec.analysis.level
    key = {"base": base, "cohort": new, "estimand": estimand, "horizon": horizon}
    changes = [{**key, **row} for row in _split_rows(made, level, unit)]
    calibration = [{**key, **row} for row in _calibration_rows(made, level, unit)]
    few = tuple(made.views[v].name for v in np.flatnonzero(made.freedom[0, :-1] < FEWEST_EFFECTIVE))
    return OutcomeChange(
        base, new, estimand, unit, horizon, changes, calibration, aside, made.unused, made.n_cells,
        clustered=(cohorts[0].spec.cluster_column is not None, cohorts[1].spec.cluster_column is not None),
        without_interval=tuple(name for name in few if any(view.name == name for view in made.groups)),
    )  # fmt: skip


def _split_rows(made: RetentionChange, level: float, unit: str) -> Iterator[Row]:
    for g, view in enumerate(made.groups):
        for k, part in enumerate(PARTS):
            ends = _ends(made.point.split[g, k, 0], made.draws.split[g, k], level)
            yield {
                "group": view.name,
                "part": part,
                **_over_buckets(ends, made.freedom[0, g], level, ""),
                "unit": unit,
            }


def _calibration_rows(made: RetentionChange, level: float, unit: str) -> Iterator[Row]:
    point, draws = made.point, made.draws
    for v, view in enumerate(made.views):
        n, (both, alone) = {"n": int(made.n[1, v])}, made.freedom[:, v]
        for name, freedom in (("observed", alone), ("predicted", both)):
            ends = _ends(getattr(point, name)[v, 0], getattr(draws, name)[v], level)
            ends = _over_buckets(ends, freedom, level, unit)
            yield {"group": view.name, "quantity": name, **ends, "unit": unit, **n}
        for name, by in (("difference", "predicted"), ("difference_mended", "recalibrated")):
            estimate, drawn = (
                point.observed[v, 0] - getattr(point, by)[v, 0],
                draws.observed[v] - getattr(draws, by)[v],
            )
            ends = _over_buckets(_ends(estimate, drawn, level), both, level, "")
            yield {"group": view.name, "quantity": name, **ends, "unit": unit, **n}
    for g, view in enumerate(made.groups):
        ends = _over_buckets(
            _ends(point.ratio[g, 0], draws.ratio[g], level), made.freedom[0, g], level, "ratio"
        )
        n = {"n": int(made.n[1, g])}
        yield {"group": view.name, "quantity": "observed_over_expected", **ends, "unit": "ratio", **n}
    yield from _line_rows(made, level)


def _line_rows(made: RetentionChange, level: float) -> Iterator[Row]:
    """Slope, intercept (at slope 1), and Brier scores; each where it is estimable."""
    at, freedom = {"group": "all", "n": int(made.n[1, len(made.groups) - 1])}, made.freedom[0, -1]
    point, draws = made.point, made.draws
    with np.errstate(divide="ignore", invalid="ignore"):
        intercept, drawn = np.log(point.ratio[-1, 0]), np.log(draws.ratio[-1])
    lines = [("slope", point.slope[0], draws.slope, "ratio"), ("intercept", intercept, drawn, "log_ratio")]
    for k, name in enumerate(("brier", "brier_constant")):
        lines.append((name, point.brier[k, 0], draws.brier[k], "score"))
    for name, value, each, unit in lines:
        if np.isfinite(value):
            scale = "" if unit == "log_ratio" else unit
            yield {
                **at,
                "quantity": name,
                **_over_buckets(_ends(value, each, level), freedom, level, scale),
                "unit": unit,
            }


def _ends(point: float, draws: np.ndarray, level: float) -> dict[str, float]:
    """Estimate, standard error and interval, which holds the estimate also where sparse cells draw it in."""
    error, low, high = interval(draws, level)
    if np.isfinite(point):
        low, high = min(low, point), max(high, point)
    return {"estimate": float(point), "std_error": error, "conf_low": float(low), "conf_high": float(high)}


def _over_buckets(ends: dict[str, float], freedom: float, level: float, unit: str) -> dict[str, float]:
    """Give Student's interval to a figure of clustered customers, or none; ``unit`` is empty of a difference."""
    if np.isinf(freedom):
        return ends
    if freedom < FEWEST_EFFECTIVE:
        return {**ends, "std_error": np.nan, "conf_low": np.nan, "conf_high": np.nan}
    row = {**ends, "level": level, "unit": unit, "reference": "" if unit else "base"}
    low, high = student_ends(row, freedom)
    return {**ends, "conf_low": low, "conf_high": high}


def table_of(rows: list[Row], columns: tuple[str, ...]) -> pd.DataFrame:
    """Collect rows into a table with whole numbers where they are whole."""
    table = pd.DataFrame(rows, columns=list(columns))
    for name in ("horizon", "n"):
        if name in table:
            table[name] = pd.to_numeric(table[name]).astype("Int64")
    return table


def response_rows(base: Counts, new: Counts) -> list[Row]:
    """Change of the share of customers with a score: shown beside the change, no part of it; none where all have one.

    Its interval is the normal one of a difference of two shares, by draws; of clustered customers Student's, from what
    each bucket adds to both sums.
    """
    base, new = of_first_surveys(base), of_first_surveys(new)
    n = np.array([[c.cells["n"].sum(), c.scored["n"].sum()] for c in (base, new)], dtype=float)
    if (n[:, 0] == n[:, 1]).all():
        return []
    share, level = n[:, 1] / n[:, 0], base.spec.analysis.level
    if base.spec.cluster_column is None and new.spec.cluster_column is None:
        rng = np.random.default_rng([base.spec.analysis.seed, 4])
        drawn = [rng.beta(k + 0.5, of - k + 0.5, base.spec.analysis.draws) for of, k in n]
        ends = _ends(share[1] - share[0], drawn[1] - drawn[0], level)
    else:
        error, freedom = response_error((base, new), shared=_shared((base, new)))
        reach = float(ndtri((1 + level) / 2)) * error
        change = float(share[1] - share[0])
        ends = {
            "estimate": change,
            "std_error": error,
            "conf_low": change - reach,
            "conf_high": change + reach,
        }
        ends = _over_buckets(ends, freedom, level, "")
    return [{
        "base": base.spec.cohort.name, "cohort": new.spec.cohort.name, "estimand": "response", "group": "all",
        "horizon": None, "part": "total", **ends, "unit": "probability",
    }]  # fmt: skip
