"""The study's subscribers as a law: exact survival by score and stratum, observed for 10 to 27 months."""

from itertools import product

import numpy as np
import pandas as pd

from cxlink.study.population import NEEDS, population
from cxlink.study.processes import BANDS
from cxlink.study.truth import cell_survival
from validation.extrapolation.long_law import LongLaw

SCORED = 29_571
"""As many as in the committed sample."""
LONGEST = 120
FIRST, LAST = 10, 27
"""Whole months from a survey in January 2024 to June 2025 to the end of April 2026, each as likely."""


def study_law() -> LongLaw:
    """Make the law: ten levels, need × tenure at the survey as twelve strata."""
    months = np.arange(1, LAST + 1)
    observed = months >= FIRST
    strata = pd.DataFrame(list(product(NEEDS, BANDS)), columns=["stratum.need", "stratum.tenure_at_survey"])
    log_survival = np.log(np.moveaxis(cell_survival()[:, :, : LONGEST + 1], 1, 0))
    return LongLaw(
        "study", population().scored.T, strata, log_survival, observed / observed.sum(), (1,), (9, 10)
    )
