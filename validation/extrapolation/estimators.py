"""What is judged on one cohort of a law: the projection of tenure, and its rivals."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from validation.extrapolation.long_law import LongLaw, drawn_cohort, request_of, spec_of, truths
from validation.extrapolation.rivals import rivals
from validation.extrapolation.scored import beside_truth, estimated

DRAWS = 500
SHIPPED = "averaged"


def judged_cohort(
    law: LongLaw,
    customers: int,
    horizons: Sequence[int],
    rng: np.random.Generator,
    *,
    cohort: int = 0,
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
    made = rivals(spells, request, horizons, DRAWS, rng)
    return beside_truth(cohort, estimated(made, spec), truths(law, spells, request, horizons))
