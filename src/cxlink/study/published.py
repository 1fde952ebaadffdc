"""The published figures: read from ``data/published`` of the repository, which travels in the package."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cxlink.cohort.errors import InputError

FOLDER = Path(__file__).parents[1] / "published"
"""A link to ``data/published``, the one place that holds the tables; a wheel has copies."""


@dataclass(frozen=True, slots=True)
class Kriss:
    """The figures of Kriss (2014) that a simulated cohort is set to, and the one that it is compared with.

    Attributes
    ----------
    retention : mapping of band to probability
        One-year retention at the poorest score and at the top two.
    spend_ratio : mapping of band to ratio
        Annual revenue relative to the poorest band.
    best_years : float
        Expected further membership at the highest score, in years. At the lowest no number was printed.
    """

    retention: Mapping[str, float]
    spend_ratio: Mapping[str, float]
    best_years: float


def read(name: str, folder: Path = FOLDER) -> pd.DataFrame:
    """Read one table of published figures, each row with its status and source.

    Parameters
    ----------
    name : str
        File name without ``.csv``; ``data/README.md`` lists them.
    folder : Path
        Where the tables are.

    Raises
    ------
    InputError
        If the table is not there, as where the link to it was not checked out as one.
    """
    path = folder / f"{name}.csv"
    if not path.is_file():
        raise InputError(
            f"data/published/{name}.csv is not beside this package, and the study needs it. "
            "Clone the repository and install from it with `pip install -e .`."
        )
    return pd.read_csv(path)


def kriss() -> Kriss:
    """Read the figures of Kriss (2014), "The Value of Customer Experience, Quantified", HBR online.

    Raises
    ------
    InputError
        See `read`.
    """
    table = read("kriss_2014")
    figures = {
        figure: dict(zip(rows["group"], rows["value"], strict=True))
        for figure, rows in table.groupby("figure")
    }
    return Kriss(
        retention=figures["one_year_retention"],
        spend_ratio=figures["relative_annual_revenue"],
        best_years=figures["expected_further_membership"]["10"],
    )
