"""Customers by profile: what models with a formula are fitted to, exact whatever the number of customers."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cxlink.cohort.count.counts import SPEND, Counts
from cxlink.cohort.count.exposures import Exposures
from cxlink.cohort.count.mix import MISSING
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.outcomes import refuse_outcomes
from cxlink.cohort.spec.scales import Scale
from cxlink.cohort.spec.spec_sections import AdjustSection, TableSection
from cxlink.cohort.strata import stratum_column
from cxlink.cohort.table import Cohort, read_again
from cxlink.estimation.term_support import TermSupport, term_support
from cxlink.fits.formulas.formula import ModelFormula, parse_formula, refuse_uncounted

_PACKAGE = str(Path(__file__).parents[2])
"""A warning names the line of the caller, outside of it."""
MOST_VALUES = 50
"""A number with at most so many values is counted by value; one with more is continuous."""
MOST_ROWS = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class ModelCells:
    """Scored customers by profile, entry, exit and whether they were lost.

    Attributes
    ----------
    spec : CohortSpec
        Description of the cohort.
    name : str
        Of the table.
    profiles : DataFrame of shape (n_profiles, n_variables)
        Each combination of the formula's variables that a customer has, once.
    profile, entry, exit : int ndarray of shape (n_cells,)
        Position of the profile; whole periods.
    lost : bool ndarray of shape (n_cells,)
        Whether they were lost in the last of those periods.
    n : ndarray of shape (n_cells,)
        Customers.
    spend : DataFrame of shape (n_cells, 7)
        Sums of spend, see `cxlink.Counts`; no column without spend.
    continuous : tuple of str
        Variables with more than `MOST_VALUES` values.
    bucket : int ndarray of shape (n_cells,), optional
        Of the clusters that they belong to; None where customers are independent.
    """

    spec: CohortSpec
    name: str
    profiles: pd.DataFrame
    profile: np.ndarray
    entry: np.ndarray
    exit: np.ndarray
    lost: np.ndarray
    n: np.ndarray
    spend: pd.DataFrame
    continuous: tuple[str, ...]
    bucket: np.ndarray | None = None

    def support(
        self, matrix: np.ndarray, modelled: np.ndarray | None = None, *, of_spend: bool = False
    ) -> TermSupport:
        """Say what sums of a constant and the columns of a matrix stand on.

        Parameters
        ----------
        matrix : ndarray of shape (n_profiles, n_columns)
            Of a design.
        modelled : bool ndarray of shape (n_profiles,), optional
            Whose customers are taken to vary as the model says.
        of_spend : bool
            Of customers with a complete window, in place of those at risk.
        """
        n = self.spend[SPEND[0]].to_numpy(float) if of_spend else self.n * (self.exit > self.entry)
        rows = np.column_stack([np.ones(len(matrix)), matrix])
        return term_support(rows, (self.profile, n, self.bucket), modelled)

    @property
    def weight(self) -> np.ndarray:
        """Customers with each profile, of shape (n_profiles,)."""
        return np.bincount(self.profile, self.n, len(self.profiles))

    @property
    def n_periods(self) -> int:
        """Last period in which anybody was at risk; at least 1."""
        return max(int(self.exit.max(initial=0)), 1)

    def risk_sets(self) -> tuple[np.ndarray, np.ndarray]:
        """Customers at risk and lost by profile and period, each of shape (n_profiles, n_periods)."""
        shape = (len(self.profiles), self.n_periods + 1)
        change, lost = np.zeros(shape), np.zeros(shape)
        at_risk = self.exit > self.entry
        np.add.at(change, (self.profile[at_risk], self.entry[at_risk]), self.n[at_risk])
        np.add.at(change, (self.profile[at_risk], self.exit[at_risk]), -self.n[at_risk])
        gone = at_risk & self.lost
        np.add.at(lost, (self.profile[gone], self.exit[gone] - 1), self.n[gone])
        return np.cumsum(change, axis=1)[:, :-1], lost[:, :-1]

    def customers(self, periods: np.ndarray) -> Exposures:
        """Customers by profile in some of the periods, which count from 1; for a covariance over them."""
        every = Exposures(self.profile, self.entry, self.exit, self.lost, self.n, self.bucket)
        return every.within(np.isin(np.arange(self.n_periods) + 1, periods))

    def of(self, n: np.ndarray) -> "ModelCells":
        """The same cells with other numbers of customers: a part of them, such as a fold."""
        share = np.divide(n, self.n, out=np.zeros(len(n)), where=self.n > 0)
        return replace(self, n=n, spend=self.spend.mul(share, axis=0))


def model_cells(cohort: Cohort | Counts, formula: ModelFormula, *, apart: Sequence[str] = ()) -> ModelCells:
    """Count a cohort's scored customers by the variables of a formula.

    A variable is what the spec made of it: a category, or a band; one that the spec does not adjust for is a number
    where every value is one, and else a category. ``score`` is the score with the spec's effect, and so is the name of
    each of ``[score] others``, of the customers who gave it.

    Parameters
    ----------
    cohort : Cohort or Counts
        From counts alone, the formula may use the variables that they were adjusted for.
    formula : ModelFormula
        Of the model.
    apart : sequence of str
        Further columns whose values keep customers in cells apart; of a cohort alone.

    Raises
    ------
    InputError
        If a variable is not there, is an outcome, has cells without a number beside numbers, or there are more than
        two million profiles.
    """
    others = [name for name in formula.variables if name != "score"]
    if isinstance(cohort, Counts):
        refuse_uncounted(formula, ["score", *cohort.spec.stratum_variables])
        return _cells(cohort, cohort, formula, others)
    _refuse_terms(others, cohort.spec)
    spec = _with_terms(cohort.spec, formula, [*others, *(name for name in apart if name not in others)])
    return _cells(read_again(cohort, spec).count(), cohort, formula, others)


def by_further_score(cohort: Cohort, name: str) -> Counts:
    """Count the customers who gave the score and a further one, with the further one as their only stratum.

    Parameters
    ----------
    cohort : Cohort
        With ``[score] others``.
    name : str
        One of them.

    Raises
    ------
    InputError
        If nobody gave both.
    """
    spec = _with_terms(cohort.spec, parse_formula(name), [name])
    return _who_gave(read_again(cohort, spec).count(), [name])


def with_strata(cohort: Cohort | Counts, names: Sequence[str]) -> Counts:
    """Count a cohort with further variables as strata, beside those that the spec adjusts for.

    Parameters
    ----------
    cohort : Cohort or Counts
        Counts have the strata that they were made with.
    names : sequence of str
        Columns, or names of ``[score] others``: of these the customers who gave them.

    Raises
    ------
    InputError
        If counts lack one, it is an outcome or the score, or nobody gave the score and each further one.
    """
    spec = cohort.spec
    new = [name for name in names if name not in spec.stratum_variables]
    if isinstance(cohort, Counts):
        if new:
            raise InputError(f"these counts have no {new[0]!r}: give the cohort, or set [adjust] columns.")
        return cohort
    if not new:
        return cohort.count()
    _refuse_terms(new, spec)
    adjust = spec.adjust.model_copy(update={"columns": (*spec.adjust.columns, *new)})
    asked = {"adjust": adjust, "control": None, "metrics": None, "value": None}
    counts = read_again(cohort, spec.model_copy(update=asked)).count()
    return _who_gave(counts, [name for name in new if name in spec.others])


def _who_gave(counts: Counts, further: Sequence[str]) -> Counts:
    """Keep the customers who gave the score and each further one."""
    if not further:
        return counts
    cells = counts.scored
    for name in further:
        cells = cells[cells[stratum_column(name)] != MISSING]
    if not len(cells):
        raise InputError(f"{counts.profile.table}: nobody has {' and '.join(['a score', *further])}.")
    return replace(counts, cells=cells.reset_index(drop=True))


def _refuse_terms(names: Sequence[str], spec: CohortSpec) -> None:
    """Refuse an outcome, or the score's column, as a term."""
    refuse_outcomes(names, spec.outcomes, "a term")
    if spec.score.column in names:
        raise InputError(f"{spec.score.column} is the score: write score in a formula.")


def _with_terms(spec: CohortSpec, formula: ModelFormula, names: Sequence[str]) -> CohortSpec:
    """The spec with the formula's variables to count by."""
    banded = {name: spec.cuts[name] for name in names if name in spec.cuts and name not in formula.numbers}
    plain = tuple(name for name in names if name not in banded)
    return spec.model_copy(
        update={
            "adjust": AdjustSection(columns=plain, bands=banded), "control": None, "metrics": None, "value": None,
        }
    )  # fmt: skip


def _cells(
    counts: Counts, cohort: Cohort | Counts, formula: ModelFormula, names: Sequence[str]
) -> ModelCells:
    spec = cohort.spec
    cells, name = counts.scored, counts.profile.table
    further = [one for one in names if one in spec.others]
    for one in further:
        cells = cells[cells[stratum_column(one)] != MISSING]
    if not len(cells):
        raise InputError(f"{name}: nobody has {' and '.join(['a score', *further])}.")
    columns: dict[str, pd.Series] = {}
    if _scored(formula):
        columns["score"] = _levels(cells["score"], "score", spec.scale, spec)
    for one in names:
        text = cells[stratum_column(one)].astype(str)
        if one in spec.others:
            columns[one] = _levels(text.astype(float), one, spec.others[one].levels, spec)
            continue
        as_made = one in spec.adjust.columns or one in spec.cuts
        columns[one] = _variable(text, one, spec.table, number=one in formula.numbers, category=as_made)
    frame = pd.DataFrame(columns, index=cells.index)
    if frame.empty:
        frame = pd.DataFrame(index=cells.index)
        profile, profiles = np.zeros(len(cells), int), pd.DataFrame(index=range(1))
    else:
        profile = frame.groupby(list(frame.columns), observed=True, sort=True).ngroup().to_numpy()
        first = np.unique(profile, return_index=True)[1]
        profiles = frame.iloc[first].reset_index(drop=True)
    if len(profiles) > MOST_ROWS:
        raise InputError(
            f"{name}: {len(profiles):,} customers differ in {', '.join(names)}; a model on rows takes {MOST_ROWS:,}. "
            "Cut numbers into bands ([adjust] bands), or draw a sample of the customers."
        )
    _warn_of_constants(profiles)
    return ModelCells(
        spec=spec, name=name, profiles=profiles, profile=profile, entry=cells["entry"].to_numpy(int),
        exit=cells["exit"].to_numpy(int), lost=(cells["cause"] != "").to_numpy(), n=cells["n"].to_numpy(float),
        spend=cells[[one for one in SPEND if one in cells]].reset_index(drop=True).astype(float),
        continuous=tuple(
            one for one in names
            if not isinstance(profiles[one].dtype, pd.CategoricalDtype) and profiles[one].nunique() > MOST_VALUES
        ),
        bucket=cells["bucket"].to_numpy(int) if "bucket" in cells else None,
    )  # fmt: skip


def _warn_of_constants(profiles: pd.DataFrame) -> None:
    """Say which variables have one value alone: nothing is compared by them."""
    for name, column in profiles.items():
        if len(column) and (column == column.iloc[0]).all():
            warnings.warn(
                f"{name} is {column.iloc[0]} of every customer of the model: there is nothing to compare by it.",
                skip_file_prefixes=(_PACKAGE,),
            )


def _scored(formula: ModelFormula) -> bool:
    return "score" in formula.variables


def _levels(values: pd.Series, name: str, scale: Scale, spec: CohortSpec) -> pd.Series:
    """A score by the spec's effect: a category from the worst level to the best, or a number."""
    numbers = values.astype(int)
    if spec.score.effect == "linear":
        return numbers.astype(float)
    if spec.score.effect != "levels":
        raise InputError(
            f'[score] effect = "{spec.score.effect}" is none of a formula: set it to levels or linear, and write '
            f"cr({name}, df=3) for a spline of a linear one."
        )
    present = set(numbers)
    return pd.Series(
        pd.Categorical(numbers, categories=[level for level in scale.levels if level in present]),
        index=values.index,
    )


def _variable(
    text: pd.Series, name: str, options: TableSection, *, number: bool, category: bool
) -> pd.Series:
    """A variable as a number or a category."""
    if not category or number:
        plain = text.str.replace(options.thousands, "", regex=False) if options.thousands else text
        plain = plain.str.replace(options.decimal, ".", regex=False) if options.decimal != "." else plain
        values = pd.to_numeric(plain, errors="coerce")
        missing = text.eq(MISSING)
        if values.notna().any() and not (values.isna() & ~missing).any():
            if missing.any():
                raise InputError(
                    f"{name} is missing for some customers. Cut it into bands ([adjust] bands): the missing ones are "
                    "then a category of their own."
                )
            return values.astype(float)
        if number:
            raise InputError(f"raw({name}): it holds {text[values.isna()].iloc[0]!r}, which is no number.")
    return pd.Series(pd.Categorical(text, categories=sorted(text.unique())), index=text.index)


def person_rows(cells: ModelCells) -> pd.DataFrame:
    """One row a customer at risk: ``profile``, ``entry``, ``exit``, ``lost``."""
    at_risk = cells.exit > cells.entry
    frame = pd.DataFrame({
        "profile": cells.profile, "entry": cells.entry, "exit": cells.exit, "lost": cells.lost.astype(int)
    })[at_risk]  # fmt: skip
    return frame.loc[frame.index.repeat(np.rint(cells.n[at_risk]).astype(int))].reset_index(drop=True)
