"""What a spec leaves to rule: bands from the scores, the horizon from follow-up.

Both are resolved before any outcome is looked at, once, when a cohort is counted; what follows reads them from the
spec of the counts.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cxlink.checks import Check, Fact
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.spec.cohort_spec import PERIODS_PER_YEAR, CohortSpec
from cxlink.cohort.spec.scales import label

LEAST_SHARE = 0.05
"""Of those scored: a default band of fewer says little of the cohort."""
LEAST_CUSTOMERS = 30
"""In a default band: with fewer an interval is too wide to be of use."""
LEAST_FOLLOWED = 50
"""Customers of each band who could have been observed to the default horizon."""


def resolve(counts: Counts) -> Counts:
    """Settle the bands and the horizon that the spec leaves to rule; what it names stays.

    A default band with under 5 % of those scored, or under 30 customers, is widened by the next level inwards until it
    has both, not past the middle of the scale. The default horizon is one year, or the last period that 50 customers
    of each band could have been observed for, if that is earlier.

    Parameters
    ----------
    counts : Counts
        Of a cohort.

    Returns
    -------
    Counts
        Its spec names bands and horizon; `Counts.resolved` says which of them by rule.
    """
    spec, scored = counts.spec, counts.scored
    if not len(scored):
        return counts
    names = [name for name in ("worst", "best") if getattr(spec.score, name) is None]
    n = scored.groupby("score")["n"].sum()
    sizes = {level: int(n.get(level, 0)) for level in spec.scale.levels}
    for name in names:
        spec = _with(spec, {name: widened(name, sizes, spec)})
    if spec.subscription is not None and spec.analysis.horizon is None:
        spec = _with(spec, {"horizon": horizon_followed(scored, spec)})
        names.append("horizon")
    return replace(counts, spec=spec, resolved=(*counts.resolved, *names)) if names else counts


def _with(spec: CohortSpec, settled: Mapping[str, Any]) -> CohortSpec:
    """The spec with these bands and this horizon; None: left to rule."""
    bands = {name: value for name, value in settled.items() if name != "horizon"}
    spec = spec.model_copy(update={"score": spec.score.model_copy(update=bands)})
    if "horizon" in settled:
        analysis = spec.analysis.model_copy(update={"horizon": settled["horizon"]})
        spec = spec.model_copy(update={"analysis": analysis})
    return spec


def widened(name: str, sizes: Mapping[int, int], spec: CohortSpec) -> tuple[int, ...]:
    """Widen a default band inwards until it has 5 % of those scored and 30 customers.

    It ends at the middle of the scale, before the other band, and before a level that a contrast sets against it.

    Parameters
    ----------
    name : str
        ``worst`` or ``best``.
    sizes : mapping of int to int
        Customers by level.
    spec : CohortSpec
        Its scale, its bands as they are so far, and its contrasts.

    Examples
    --------
    >>> from cxlink import make_spec
    >>> spec = make_spec({"score": {"column": "s", "scale": "1-5"}, "spend": {"column": "y", "complete": True}})
    >>> widened("worst", {1: 10, 2: 15, 3: 25, 4: 450, 5: 500}, spec)
    (1, 2, 3)
    """
    levels = spec.scale.levels if name == "worst" else spec.scale.levels[::-1]
    beyond = set(spec.group("best" if name == "worst" else "worst")) | _against(name, spec)
    enough = max(LEAST_SHARE * sum(sizes.values()), LEAST_CUSTOMERS)
    band = list(spec.group(name))
    for level in levels[len(band) : (len(levels) + 1) // 2]:
        if level in beyond or sum(sizes[k] for k in band) >= enough:
            break
        band.append(level)
    return tuple(sorted(band))


def _against(name: str, spec: CohortSpec) -> set[int]:
    """Levels that a contrast sets against a band."""
    sides = [spec.contrast(text) for text in spec.analysis.contrasts]
    across = [b if a == name else a for a, b in sides if name in (a, b)]
    return {level for side in across if side not in ("worst", "best") for level in spec.group(side)}


def horizon_followed(scored: pd.DataFrame, spec: CohortSpec) -> int:
    """Give the last period, up to a year, that 50 customers of each band could have been observed for.

    A band with under 50 customers is asked for half of them. Where anybody is retained, not beyond the longest stay in
    the table, which tells of no follow-up after it. One year for a snapshot, of whom nobody is followed, and where a
    band is empty.

    Parameters
    ----------
    scored : DataFrame
        Cells of the customers with a score.
    spec : CohortSpec
        Its bands, and its unit.
    """
    year = PERIODS_PER_YEAR[spec.unit]
    if spec.subscription is None or spec.subscription.window:
        return year
    retained = scored[scored["cause"] == ""]
    longest = int((scored["exit"] - scored["entry"]).max()) if retained["n"].sum() else year
    horizon = max(min(year, longest), 1)
    for band in (spec.worst, spec.best):
        cells = scored[scored["score"].isin(band)]
        n = int(cells["n"].sum())
        enough = LEAST_FOLLOWED if n >= LEAST_FOLLOWED else n / 2
        reached = np.flatnonzero(observable(cells, year) >= enough - 1e-9)
        horizon = min(horizon, max(int(reached[-1]), 1)) if n else horizon
    return horizon


def observable(cells: pd.DataFrame, last: int) -> np.ndarray:
    """Expect how many customers could have been observed for so many periods, had nobody been lost.

    n·P(F ≥ h), F the follow-up since the score, by Kaplan–Meier with losses as its censoring:
    P(F ≥ h) = Π_{t<h} (1 − c_t / r_t), c_t customers censored after t whole periods, r_t those retained after t.

    Parameters
    ----------
    cells : DataFrame
        ``entry, exit, cause, n``.
    last : int
        The last period.

    Returns
    -------
    ndarray of shape (last + 1,)
        At h = 0, 1, …, ``last``.
    """
    stay, n = (cells["exit"] - cells["entry"]).to_numpy(int), cells["n"].to_numpy(float)
    retained = (cells["cause"] == "").to_numpy(bool)
    length = max(int(stay.max(initial=0)), last) + 1
    ended, lost = (np.bincount(stay, n * which, length).astype(float) for which in (retained, ~retained))
    still = n.sum() - np.cumsum(lost) - np.concatenate([[0.0], np.cumsum(ended)[:-1]])
    left = np.divide(ended, still, out=np.zeros_like(ended), where=still > 0)
    chance = np.concatenate([[1.0], np.cumprod(1 - left)[:last]])
    followed: np.ndarray = n.sum() * chance
    return followed


def with_resolution_of(first: Counts, counts: Counts) -> Counts:
    """Give counts the bands and the horizon of an earlier cohort, where their own spec leaves them to rule.

    Parameters
    ----------
    first : Counts
        The cohort whose bands and horizon are kept.
    counts : Counts
        Those that are compared or pooled with it.
    """
    theirs = {"worst": first.spec.worst, "best": first.spec.best, "horizon": first.spec.horizon}
    return replace(counts, spec=_with(counts.spec, {name: theirs[name] for name in counts.resolved}))


def as_written(counts: Counts) -> CohortSpec:
    """Give the spec as the user wrote it, without what was resolved by rule or read from the runs of anchors."""
    spec = _with(counts.spec, dict.fromkeys(counts.resolved))
    if not counts.anchors:
        return spec
    return spec.model_copy(update={"analysis": spec.analysis.model_copy(update={"anchors": counts.anchors})})


def resolution_checks(counts: Counts) -> list[Check]:
    """Say which bands were widened, and whether the horizon is short of a year."""
    spec, year = counts.spec, PERIODS_PER_YEAR[counts.spec.unit]
    sizes = counts.scored.groupby("score")["n"].sum()
    checks = []
    for name, narrow in (("worst", spec.scale.worst()), ("best", spec.scale.best())):
        band = spec.group(name)
        if name in counts.resolved and band != narrow:
            n = int(sizes[sizes.index.isin(band)].sum())
            facts: dict[str, Fact] = {"case": name, "narrow": label(narrow), "levels": label(band)}
            facts |= {"share": LEAST_SHARE, "least": LEAST_CUSTOMERS}
            checks.append(Check("band_widened", group=name, value=float(n), facts=facts))
    if "horizon" in counts.resolved and spec.horizon < year:
        facts = {"horizon": spec.horizon, "unit": spec.unit, "least": LEAST_FOLLOWED}
        checks.append(Check("horizon_shortened", value=float(spec.horizon), bound=float(year), facts=facts))
    return checks
