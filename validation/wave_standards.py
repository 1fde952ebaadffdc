"""What standardised retention of surveys that repeat tends to: over a cohort's own strata, by each model."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.count.counts import Counts, add_up
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.count.spells import Spells, spells_of
from cxlink.groups.curves import Standard
from cxlink.groups.requests import Request
from cxlink.groups.standardisation import pair_lookup, standardised
from cxlink.survival.proportional_hazards.grouped_ph import GroupedPH, grouped_ph
from validation.survey_laws import STRATA, SurveyLaw, strata_of, survey_spec
from validation.wave_truths import AT_RISK, CELL, FOLLOWED, HORIZON, LOST, expected, retention

_LARGE = 1e8
"""Customers of the cohort that the additive model is fitted to: its penalties of thin cells then count for nothing."""
_NOBODY = 1e-15
"""Share of the customers that is a rounding error."""
_Key = tuple[Any, ...]
"""A level, and the names of its stratum."""


def standard_values(
    curves: dict[_Key, float], spells: Spells, request: Request, *, extrapolated: bool
) -> tuple[float, ...]:
    """Retention of each group of a request, over the strata that it averages with the weights that it gives them.

    Parameters
    ----------
    curves : dict
        Of `observed_curves` or `additive_curves`.
    spells : Spells
        A cohort of the law.
    request : Request
        Standardised.
    extrapolated : bool
        Whether it has a curve of every level and stratum, rather than of those with surveys.
    """
    strata = _names(spells)
    lookup = pair_lookup(spells, extrapolated)
    values = np.full(lookup.max() + 1, np.nan)
    for (level, stratum), curve in np.ndenumerate(lookup):
        if curve >= 0:
            values[curve] = curves[int(spells.levels[level]), *strata[stratum]]
    return tuple(float(one.weight @ values[one.curve]) for one in request.standards)


@cache
def observed_curves(law: SurveyLaw, scenario: str) -> dict[_Key, float]:
    """Retention of each score and stratum, by their names in counts."""
    cells = expected(law, scenario)
    names = strata_of(cells)
    keys = zip(cells["score"], *(names[name] for name in STRATA), strict=True)
    return {key: retention(cells[cells.index == at]) for at, key in enumerate(keys)}


@cache
def additive_curves(law: SurveyLaw, scenario: str) -> dict[_Key, float]:
    """The same as proportional hazards, fitted to the expected counts, have it: levels and strata additive."""
    counts = expected_counts(law, scenario)
    spells, spec = spells_of(counts), counts.spec
    request = standardised(spells, spec, None)
    assert request is not None
    lookup, strata = pair_lookup(spells, extrapolated=True), _names(spells)
    one, zero = np.ones(1), np.zeros(1, dtype=int)
    standards = tuple(Standard(str(curve), zero + curve, zero, one, 1, 1) for curve in range(lookup.size))
    asked = replace(
        request, standards=standards, own=tuple(range(lookup.size)), contrasts=(), covered={}, scored=None,
        times=np.array([0, HORIZON]),
    )  # fmt: skip
    fitted = grouped_ph(spells, spec, asked, 2, np.random.default_rng(1), covariance="model")
    assert isinstance(fitted, GroupedPH)
    return {
        (int(spells.levels[level]), *strata[stratum]): float(fitted.curves.point[curve, -1])
        for (level, stratum), curve in np.ndenumerate(lookup)
    }


def expected_counts(law: SurveyLaw, scenario: str) -> Counts:
    """Expected surveys as counts of a large cohort, whose numbers need not be whole."""
    cells = expected(law, scenario)
    at_risk, lost = cells[AT_RISK].to_numpy(), cells[LOST].to_numpy()
    left = at_risk - lost
    gone = left - np.concatenate([at_risk[:, 1:], np.zeros((len(cells), 1))], axis=1)
    gone[gone < _NOBODY] = 0.0
    last = cells["last"].astype("Int64")
    frame = cells[CELL].assign(previous=last.mask(last == 0), **strata_of(cells))
    parts = [
        frame.assign(entry=0, exit=month + 1, cause=cause, wave="", n=_LARGE * numbers[:, month])
        for cause, numbers in (("lost", lost), ("", gone))
        for month in range(FOLLOWED)
    ]
    table = pd.concat(parts, ignore_index=True).drop(columns=CELL[1:])
    table = table[table["n"] > 0].astype({"score": "Int64"})
    n = round(table["n"].sum())
    return Counts(add_up(table), survey_spec(HORIZON), Profile("expected", n, n))


def _names(spells: Spells) -> list[_Key]:
    return [tuple(row) for row in spells.strata[STRATA].itertuples(index=False)]
