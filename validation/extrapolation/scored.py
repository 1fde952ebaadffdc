"""What an interval is worth: whether it holds the truth, how wide it is, and Winkler's interval score, paired.

The interval score of [l, u] at level 1 − α is (u − l) + (2/α)·(l − x)⁺ + (2/α)·(x − u)⁺ (Winkler 1972;
Gneiting & Raftery 2007, doi 10.1198/016214506000001437): an interval pays for its width, and for each
truth that it misses by how far. Widths and scores are relative to the truth's scale, so that short and long tenures
count alike.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.contrasts import BOTH
from cxlink.estimands.estimand import Estimand
from cxlink.estimands.estimand_rows import rows_of
from cxlink.estimands.survival_estimands import restricted_mean, retention
from cxlink.survival.survival import Survival
from validation.extrapolation.long_law import Row

LEVEL = 0.95
RESAMPLES = 2_000
COLUMNS = [
    "cohort", "model", "estimand", "group", "reference", "horizon", "truth", "estimate", "std_error", "conf_low",
    "conf_high",
]  # fmt: skip
_DIGITS = 6


def interval_score(low: np.ndarray, high: np.ndarray, truth: np.ndarray, level: float = LEVEL) -> np.ndarray:
    """Winkler's score of intervals; lower is better.

    Parameters
    ----------
    low, high, truth : ndarray of one shape
        Ends of each interval, and what is true.
    level : float
        Coverage that the intervals claim.

    Examples
    --------
    An interval of width 2 that holds the truth, and one that misses it by .1:

    >>> print(interval_score(np.array([9.0, 9.0]), np.array([11.0, 11.0]), np.array([10.0, 11.1])).round(6))
    [2. 6.]
    """
    missed = np.maximum(low - truth, 0) + np.maximum(truth - high, 0)
    score: np.ndarray = (high - low) + 2 / (1 - level) * missed
    return score


def estimated(survivals: Sequence[Survival], spec: CohortSpec, tenure_alone: bool = True) -> Iterator[Row]:
    """Rows of tenure (and of retention) of some models, with their contrasts, as the estimates table has them."""
    asked = [Estimand("tenure", spec.unit, restricted_mean, BOTH)]
    if not tenure_alone:
        asked.append(Estimand("retention", "probability", lambda s: retention(s, spec), BOTH))
    for one in survivals:
        yield from rows_of(one, asked, spec)


def beside_truth(cohort: int, rows: Iterator[Row], truths: Iterator[Row]) -> pd.DataFrame:
    """Set rows beside what is true, of one cohort.

    Returns
    -------
    DataFrame
        `COLUMNS`; numbers to six digits. What is true and not estimated has no row.
    """
    table = pd.DataFrame(list(rows)).reindex(columns=COLUMNS).drop(columns=["truth", "cohort"])
    table["reference"] = table["reference"].fillna("")
    keys = ["estimand", "group", "reference", "horizon"]
    known = pd.DataFrame(list(truths)).drop_duplicates(keys)
    whole = table.drop_duplicates([*keys, "model"]).merge(known, on=keys).assign(cohort=cohort)[COLUMNS]
    numbers = COLUMNS[6:]
    return whole.assign(**{name: whole[name].map(_rounded) for name in numbers})


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def renumbered(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables of blocks under one another, their cohorts numbered through."""
    made, start = [], 0
    for table in tables:
        made.append(table.assign(cohort=table["cohort"] + start))
        start = int(made[-1]["cohort"].max()) + 1 if len(table) else start
    return pd.concat(made, ignore_index=True)


def judged_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Add ``held``, ``width``, ``error`` and ``score``; the latter three over the size of what is true.

    Of a level and a ratio that is the truth itself, of a difference the restricted mean or retention of its group.
    """
    value, low, high = (table[name].to_numpy(float) for name in ("truth", "conf_low", "conf_high"))
    scale = table["scale"].to_numpy(float) if "scale" in table else np.abs(value)
    return table.assign(
        held=(low <= value) & (value <= high), width=(high - low) / scale,
        error=(table["estimate"].to_numpy(float) - value) / scale, score=interval_score(low, high, value) / scale,
    )  # fmt: skip


def with_scale(table: pd.DataFrame) -> pd.DataFrame:
    """Add ``scale``: the truth of the group that a difference is of, else the truth itself."""
    within = [name for name in ("process", "cohort", "customers") if name in table]
    keys = ["estimand", "group", "horizon", *within]
    own = table[table["reference"] == ""].drop_duplicates(keys)[[*keys, "truth"]]
    asked = table[keys].assign(estimand=table["estimand"].str.removesuffix("_difference"))
    of_group = asked.merge(own, how="left", on=keys)["truth"].to_numpy(float)
    difference = table["estimand"].str.endswith("_difference").to_numpy()
    return table.assign(scale=np.where(difference, of_group, table["truth"].abs()))


def paired_ratio(
    table: pd.DataFrame, rival: str, model: str = "spliced", value: str = "score"
) -> Mapping[str, float]:
    """Mean score of a model over that of a rival on the same cohorts, and the upper end of its bootstrap interval.

    Parameters
    ----------
    table : DataFrame
        ``cohort, model`` and the value; several rows a cohort are averaged first, so that cohorts are resampled.
    rival, model : str
        Names of models.
    value : str
        Which column is compared.

    Returns
    -------
    mapping
        ``ratio``, ``upper`` (97.5 % of `RESAMPLES` resamples of cohorts with a fixed seed) and ``cohorts``, those in
        which both have rows.
    """
    means = table.pivot_table(value, "cohort", "model", aggfunc="mean")
    both = means.reindex(columns=[model, rival]).dropna().to_numpy(float)
    if not len(both):
        return {"ratio": np.nan, "upper": np.nan, "cohorts": 0}
    n = len(both)
    weights = np.random.default_rng(n).multinomial(n, np.full(n, 1 / n), RESAMPLES)
    drawn = weights @ both
    return {
        "ratio": float(both[:, 0].sum() / both[:, 1].sum()),
        "upper": float(np.quantile(drawn[:, 0] / drawn[:, 1], 0.975)),
        "cohorts": n,
    }
