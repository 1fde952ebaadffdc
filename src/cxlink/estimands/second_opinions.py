"""Which estimates the report uses, and which are further models of tenure (``families.csv``)."""

import numpy as np
import pandas as pd

from cxlink.survival.families.catalogue import menu

AVERAGES = ("averaged_aic", "averaged_backtest", "averaged_equal")
"""Averages of the families other than the reported one, ``averaged``."""
OF_THE_AVERAGE = ("tenure_curtate", "tenure_discounted", "tenure_median", "time_lost")
"""Estimands reported from ``averaged`` alone; those of other models are in ``families.csv``."""


def parted(estimates: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Divide a table of estimates.

    Parameters
    ----------
    estimates : DataFrame
        All of them, in order.

    Returns
    -------
    reported, second : DataFrame
        Estimates of page one and the report; and single families, other averages, other models' estimates of
        `OF_THE_AVERAGE` and lags of other models than Kaplan–Meier. Both with the same columns, in the same order.
    """
    names = {family.name for family in menu(np.ones(1))} | set(AVERAGES)
    base = estimates["estimand"].str.removesuffix("_difference").str.removesuffix("_ratio")
    of_average = base.isin(OF_THE_AVERAGE)
    lagged = estimates["scenario"].str.startswith("lag=") & (estimates["model"] != "kaplan_meier")
    second = estimates["model"].isin(names) | (of_average & (estimates["model"] != "averaged")) | lagged
    return estimates[~second].reset_index(drop=True), estimates[second].reset_index(drop=True)
