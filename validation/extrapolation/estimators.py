"""What is judged on one cohort of a law: the projection of tenure as it is shipped, and its rivals."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from cxlink.cohort.count.spells import Spells
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.groups.requests import Request
from cxlink.survival.survival import Survival
from cxlink.survival.tails.extrapolation_error import Errors
from cxlink.survival.tails.published_errors import (
    FEWEST_PERIODS,
    errors_from,
    followed_alike,
    published_table,
)
from cxlink.survival.tails.spliced_tenure import spliced
from validation.extrapolation.long_law import LongLaw, drawn_cohort, request_of, spec_of, truths
from validation.extrapolation.rivals import rivals
from validation.extrapolation.scored import beside_truth, estimated

DRAWS = 500
SHIPPED = "spliced"


@cache
def errors_without(source: str, followed: int = FEWEST_PERIODS) -> Errors:
    """Constants of the extrapolation error after so many periods, estimated without the curves of one source."""
    table = followed_alike(published_table(), followed)
    others = table[table["source"] != source]
    if len(others) == len(table):
        raise LookupError(f"no published curve is of the source {source}")
    return errors_from(others)


def models_of(
    spells: Spells,
    spec: CohortSpec,
    request: Request,
    rng: np.random.Generator,
    *,
    with_rivals: bool = True,
    errors: Errors | None = None,
) -> list[Survival]:
    """Make every model that is judged, at the steps of the spec's ladder.

    Parameters
    ----------
    spells, spec, request
        The cohort, and what is asked of it.
    rng : Generator
        Children of it are advanced.
    with_rivals : bool
        Whether the rivals are made as well.
    errors : Errors, optional
        Constants of the extrapolation error; those that are shipped by default.
    """
    ours, theirs = rng.spawn(2)
    asked = replace(request, times=np.array([0, *spec.tenure_horizons]), horizons=spec.tenure_horizons)
    made = list(spliced(spells, [asked], DRAWS, ours, horizon=spec.horizon, errors=errors))
    if with_rivals:
        made += rivals(spells, request, spec.tenure_horizons, DRAWS, theirs)
    return made


def judged_cohort(
    law: LongLaw,
    customers: int,
    horizons: Sequence[int],
    rng: np.random.Generator,
    *,
    cohort: int = 0,
    with_rivals: bool = True,
) -> pd.DataFrame:
    """Draw a cohort of a law, and set every model's tenure beside what is true.

    Returns
    -------
    DataFrame
        `scored.COLUMNS`.
    """
    spells = drawn_cohort(law, customers, rng)
    spec = spec_of(law, horizons, DRAWS)
    request = request_of(spells, spec)
    made = models_of(spells, spec, request, rng, with_rivals=with_rivals)
    return beside_truth(cohort, estimated(made, spec), truths(law, spells, request, horizons))
