"""Which estimates page one and the report stand on, and which are second opinions on tenure (``families.csv``)."""

import numpy as np
import pandas as pd

from cxlink.survival.families.catalogue import menu

AVERAGES = ("averaged_aic", "averaged_backtest", "averaged_equal")
"""Other averages of the families than the one that is reported, ``averaged``."""
OF_THE_AVERAGE = ("tenure_curtate", "tenure_discounted", "tenure_median", "time_lost")
"""Estimands that are reported of ``averaged`` alone; other models answer them beside it."""


def parted(estimates: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part a table of estimates.

    Parameters
    ----------
    estimates : DataFrame
        All of them, in order.

    Returns
    -------
    reported, second : DataFrame
        What page one and the report stand on; and single families, other averages, what other models say of estimands
        that are reported of the average alone, and lags of other models than Kaplan–Meier. Both with the same columns,
        in the same order.
    """
    names = {family.name for family in menu(np.ones(1))} | set(AVERAGES)
    asked = estimates["estimand"].str.removesuffix("_difference").str.removesuffix("_ratio")
    beside = asked.isin(OF_THE_AVERAGE)
    later = estimates["scenario"].str.startswith("lag=") & (estimates["model"] != "kaplan_meier")
    second = estimates["model"].isin(names) | (beside & (estimates["model"] != "averaged")) | later
    return estimates[~second].reset_index(drop=True), estimates[second].reset_index(drop=True)
