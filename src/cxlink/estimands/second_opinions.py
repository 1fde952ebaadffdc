"""Which estimates the report uses, and which are further models of tenure (``families.csv``)."""

import numpy as np
import pandas as pd

from cxlink.estimands.contrasts import with_contrasts
from cxlink.estimands.scenario import scenario_of
from cxlink.survival.families.catalogue import menu

AVERAGES = ("averaged", "averaged_aic", "averaged_backtest", "averaged_equal")
"""Averages of the families."""
REPORTED = "spliced"
"""The model of tenure that the report uses."""
OF_THE_REPORTED = ("tenure_curtate", "tenure_discounted", "tenure_median", "time_lost")
"""Estimands reported from `REPORTED` alone; those of other models are in ``families.csv``."""
OF_TENURE = ("retention", "tenure", "tenure_mean", "remaining_tenure", *OF_THE_REPORTED)
"""What families say of retention; customer lifetime value is the report's own, whatever curve it stands on."""


def opinions() -> frozenset[str]:
    """Names of the families and their averages."""
    return frozenset({family.name for family in menu(np.ones(1))} | set(AVERAGES))


def parted(estimates: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Divide a table of estimates.

    Parameters
    ----------
    estimates : DataFrame
        All of them, in order.

    Returns
    -------
    reported, second : DataFrame
        Estimates of page one and the report; and single families, their averages, other models' estimates of
        `OF_THE_REPORTED`, and lags of other models than Kaplan–Meier and, beyond follow-up, `REPORTED`. Both with the
        same columns, in the same order.
    """
    names = opinions()
    of_reported = estimates["estimand"].isin(with_contrasts(OF_THE_REPORTED))
    lags = {text for text in estimates["scenario"].unique() if scenario_of(text).kind == "lag"}
    beyond = (estimates["model"] == REPORTED) & (estimates["extrapolated"] > 0)
    lagged = estimates["scenario"].isin(lags) & (estimates["model"] != "kaplan_meier") & ~beyond
    further = estimates["model"].isin(names) & estimates["estimand"].isin(with_contrasts(OF_TENURE))
    second = further | (of_reported & (estimates["model"] != REPORTED)) | lagged
    return estimates[~second].reset_index(drop=True), estimates[second].reset_index(drop=True)
