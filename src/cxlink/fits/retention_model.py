"""A fitted model of retention: coefficients, predictions for profiles, and contrasts standardised over the cohort."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cxlink.cohort.arguments_given import whole_numbers
from cxlink.cohort.errors import InputError
from cxlink.estimation.term_support import TermSupport
from cxlink.fits.formulas.clusters_of_models import p_values, student_width, students_table
from cxlink.fits.formulas.model_cells import ModelCells
from cxlink.fits.formulas.populations import (
    Population,
    Profiles,
    as_profiles,
    contrasts_table,
    interval,
    mean_rows,
    populations_of,
    sums_of,
)
from cxlink.fits.formulas.profile_design import ProfileDesign
from cxlink.fits.survival_curves import Curve, Quantity, median_time, quantity_of, refuse_quantity, row_blocks
from cxlink.groups.effective_buckets import FEWEST_EFFECTIVE
from cxlink.survival.proportional_hazards.robust_errors import Covariance

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LONGEST = 1_200


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RetentionModel:
    """A model of the time to loss, fitted by a formula.

    Attributes
    ----------
    name : str
        ``grouped_ph``, ``cox`` or a family's name.
    ratio : {"hazard_ratio", "time_ratio", "odds_ratio"}
        What exp(coefficient) is.
    sign : float
        A coefficient is ``sign`` times the parameter that was fitted.
    design : ProfileDesign
        Its columns.
    columns : slice
        Parameters that are the coefficients of those columns.
    theta : ndarray of shape (n_parameters,)
        Estimates: coefficients beside a baseline, or the family's other parameters.
    covariance : ndarray of shape (n_parameters, n_parameters)
        Of the estimates.
    draws : ndarray of shape (n_draws, n_parameters)
        Normal draws of the parameters, from the cohort's seed.
    curve : Curve
        From parameters to survival.
    cells : ModelCells
        What it was fitted to.
    log_likelihood : float
        At the estimates; partial for ``cox``.
    penalised : tuple of str
        Coefficients held by a weak log-F(1, 1) penalty, since all or none of their customers were lost.
    referee : callable
        Fits the same model by lifelines or statsmodels: `native`.
    covariance_type : {"model", "robust", "jackknife"}
        Whether the covariance is that of the model, robust (sandwich) over customers or the buckets of their clusters,
        or from leaving out one bucket at a time.
    modelled : bool ndarray of shape (n_profiles,), optional
        Profiles whose customers, where independent, are taken to vary as the model says.
    """

    name: str
    ratio: str
    sign: float
    design: ProfileDesign
    columns: slice
    theta: np.ndarray
    covariance: np.ndarray
    draws: np.ndarray
    curve: Curve
    cells: ModelCells
    log_likelihood: float
    penalised: tuple[str, ...]
    referee: "Callable[[RetentionModel], Any]"
    covariance_type: Covariance = "model"
    modelled: np.ndarray | None = None

    def __repr__(self) -> str:
        n = self.cells.n.sum()
        return f"<{self.name}: {self.design.formula.text}, {n:,.0f} customers, {len(self.design.names)} coefficients>"

    def _repr_html_(self) -> str:
        table: str = self.summary().to_html(float_format=lambda x: f"{x:.4g}")
        return f"<p>{self.name}: {self.design.formula.text}</p>{table}"

    @property
    def native(self) -> Any:
        """The same model fitted by lifelines or statsmodels, on rows or person-periods of the same customers.

        Raises
        ------
        InputError
            If neither library has the model.
        """
        return self.referee(self)

    def summary(self) -> pd.DataFrame:
        """Give every coefficient with its interval.

        Returns
        -------
        DataFrame
            Indexed by ``term``: ``coefficient``, ``std_error``, the ratio exp(coefficient) under the name of `ratio`,
            ``conf_low``, ``conf_high`` (of the ratio, at the spec's level), ``z``, ``p_value``, ``penalised``. A hazard
            ratio over 1 says that customers are lost sooner, a time ratio over 1 that they stay longer. Where
            effectively fewer than six buckets of clusters stand behind a coefficient it has no interval and no test,
            nor where so few independent customers do and errors are made of what they contribute.
        """
        freedom = self.support.of_columns()[1:]
        value = self.sign * self.theta[self.columns]
        error = np.where(freedom < FEWEST_EFFECTIVE, np.nan, np.sqrt(np.diag(self.covariance)[self.columns]))
        width = student_width(freedom, self.cells.spec.analysis.level) * error
        with np.errstate(over="ignore"):
            return pd.DataFrame({
                "coefficient": value, "std_error": error, self.ratio: np.exp(value), "conf_low": np.exp(value - width),
                "conf_high": np.exp(value + width), "z": value / error, "p_value": p_values(value / error, freedom),
                "penalised": np.isin(self.design.names, self.penalised),
            }, index=pd.Index(self.design.names, name="term"))  # fmt: skip

    def predict(
        self, profiles: Profiles, quantity: Quantity = "survival", times: Sequence[int] | int | None = None
    ) -> pd.DataFrame:
        """Predict for profiles, with intervals.

        Parameters
        ----------
        profiles : DataFrame, mapping or sequence of mappings
            Values of the formula's variables.
        quantity : {"survival", "rmst", "median"}
            S(t), the restricted mean survival time to t, or when half are lost, in periods.
        times : int or sequence of int, optional
            Periods t; the spec's horizon by default. A median needs none.

        Returns
        -------
        DataFrame
            One row a profile and time: the profile's variables, ``time``, ``estimate``, ``std_error``, ``conf_low``,
            ``conf_high``, ``outside`` (a number lies outside what the cohort had). A median that is not reached is
            infinite.

        Raises
        ------
        InputError
            If a time lies beyond what the model says, or a profile cannot be encoded.
        """
        frame = as_profiles(profiles)
        wanted = [] if quantity == "median" else self._times(times)
        rows = self.design.matrix(frame)
        point, draws = self._quantity(rows, quantity, wanted)
        typed = self.design.typed(frame).reset_index(drop=True)
        shown = [np.nan] if quantity == "median" else wanted
        parts = [
            typed.assign(time=time, **interval(point[:, k], draws[..., k], self.cells.spec.analysis.level))
            for k, time in enumerate(shown)
        ]
        table = pd.concat(parts, ignore_index=True)
        freedom = self.support.freedom(np.column_stack([np.ones(len(rows)), rows]))
        table = self._students(table, quantity, np.tile(freedom, len(parts)))
        table["outside"] = np.tile(self.design.outside(typed), len(parts))
        return table.drop(columns="time") if quantity == "median" else table

    def average(
        self,
        variable: str = "score",
        at: Mapping[str, Any] | None = None,
        horizon: int | None = None,
        quantity: Quantity = "survival",
        per: float | None = None,
    ) -> pd.DataFrame:
        """Standardise over the cohort: what the model predicts if every customer had a variable at given values.

        Parameters
        ----------
        variable : str
            Of the formula.
        at : mapping of str to values, optional
            Named groups of values, such as ``{"best": [9, 10], "worst": [1]}``; values of a group are averaged by
            their shares in the cohort. By default the spec's best and worst levels of the score.
        horizon : int, optional
            Periods; the spec's by default.
        quantity : {"survival", "rmst", "median"}
            Retention or the restricted mean survival time at the horizon, or when half of them are lost, in periods:
            where the standardised curve reaches one half, which is no mean of medians.
        per : float, optional
            Of a number: compare with the same customers at so much more, in place of groups.

        Returns
        -------
        DataFrame
            ``group``, ``reference``, ``measure`` (``mean``, ``difference``, ``ratio``), ``estimate``, ``std_error``,
            ``conf_low``, ``conf_high``; contrasts of the first group with each other one.

        Raises
        ------
        InputError
            If the formula does not have the variable, or nobody a value.
        """
        times = self._times(horizon)
        populations = populations_of(self.design, self.cells, self.cells.weight, variable, at=at, per=per)
        values = {name: self._standardised(one, quantity, times) for name, one in populations.items()}
        table = contrasts_table(values, self.cells.spec.analysis.level)
        sums = sums_of(table, {name: mean_rows(self.design, one) for name, one in populations.items()})
        return self._students(table, quantity, self.support.freedom(sums))

    def score(self, cohort_cells: ModelCells | None = None) -> pd.Series:
        """Give the log score of customers: the mean log probability of what each did; higher is better.

        Parameters
        ----------
        cohort_cells : ModelCells, optional
            Other customers, counted by the same formula; those of the fit by default.

        Returns
        -------
        Series
            ``log_score`` (per customer at risk) and ``brier`` (of retention at the spec's horizon, weighted by the
            inverse probability of being observed to there; Graf et al. 1999, doi
            10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5).
        """
        from cxlink.fits.scores import scores_of

        cells = cohort_cells or self.cells
        times = np.arange(int(min(cells.n_periods, self.curve.until)) + 1)
        rows = self.design.matrix(cells.profiles)
        log_s = np.concatenate([
            self.curve.log_survival(self.theta[None], part, times)[0] for part in row_blocks(rows, len(times))
        ])  # fmt: skip
        return scores_of(cells, log_s, self.cells.spec.horizon)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the ratios with their intervals, on a log scale."""
        from cxlink.fits.pictures import forest

        return forest(self.summary(), self.ratio, ax)

    def check(self) -> pd.DataFrame:
        """Test each coefficient's proportionality: its product with the logarithm of time, added by itself.

        Returns
        -------
        DataFrame
            Indexed by ``term``: ``change`` (the factor by which the ratio of hazards changes with each doubling of
            time), ``conf_low``, ``conf_high``, ``p_value``.
        """
        from cxlink.fits.proportionality_test import proportionality_table

        return proportionality_table(self)

    @property
    def support(self) -> TermSupport:
        """Say what sums of the constant and the coefficients stand on; see `ModelCells.support`."""
        return self.cells.support(self.design.matrix(self.cells.profiles), self.modelled)

    def _students(self, table: pd.DataFrame, quantity: str, freedom: np.ndarray) -> pd.DataFrame:
        """Give rows Student's intervals, or none, by what each stands on."""
        unit = "probability" if quantity == "survival" else self.cells.spec.unit
        ratio = table["measure"].eq("ratio") if "measure" in table else False
        units = np.where(ratio, "ratio", unit)
        return students_table(table.assign(unit=units), freedom, self.cells.spec.analysis.level).drop(
            columns="unit"
        )

    def _times(self, times: Sequence[int] | int | None) -> list[int]:
        spec = self.cells.spec
        asked = [spec.horizon] if times is None else whole_numbers(times, f"{spec.unit}s")
        for time in asked:
            if time > self.curve.until:
                raise InputError(
                    f"{self.name}: {time} {spec.unit}s lie beyond follow-up, which ends at {self.curve.until:.0f}; a "
                    "free baseline says nothing of them. Use aft(), whose families extrapolate."
                )
        return asked

    def _quantity(
        self, rows: np.ndarray, quantity: str, times: Sequence[int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Estimate and draws, of shape (n_rows, n_times) and (n_draws, n_rows, n_times)."""
        refuse_quantity(quantity)
        grid = np.arange(self._last() + 1 if quantity == "median" else max(times, default=0) + 1)
        point = quantity_of(np.exp(self.curve.log_survival(self.theta[None], rows, grid)), quantity, times)[0]
        draws = [
            quantity_of(np.exp(self.curve.log_survival(self.draws, part, grid)), quantity, times)
            for part in row_blocks(rows, len(grid) * len(self.draws))
        ]
        return point, np.concatenate(draws, axis=1)

    def _last(self) -> int:
        """The last period in which a median is looked for."""
        return int(min(self.curve.until, _LONGEST))

    def _standardised(
        self, population: Population, quantity: str, times: Sequence[int]
    ) -> tuple[float, np.ndarray]:
        """Quantity of a population: the estimate and its draws."""
        if quantity != "median":
            point, draws = self._averaged(population, quantity, times)
            return float(point[0]), draws[:, 0]
        point, draws = self._averaged(population, "survival", range(self._last() + 1))
        return float(median_time(point)), median_time(draws)

    def _averaged(
        self, population: Population, quantity: str, times: Sequence[int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Weighted means over a population, of shape (n_times,), and their draws (n_draws, n_times)."""
        point, draws = np.zeros(len(times)), np.zeros((len(self.draws), len(times)))
        for profiles, weight in population:
            rows = self.design.matrix(profiles)
            size = (max(times) + 1) * len(self.draws)
            for part, share in zip(row_blocks(rows, size), row_blocks(weight, size), strict=True):
                value, drawn = self._quantity(part, quantity, times)
                point += share @ value
                draws += np.einsum("dpt,p->dt", drawn, share)
        return point, draws
