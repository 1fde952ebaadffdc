"""Regressions of spend by a formula, exact on sums by profile, with robust standard errors.

Spend is over the whole window after the score, zeros in. ``poisson``, ``gamma`` and ``tweedie`` are quasi-likelihoods
with a log link; ``two_part`` multiplies the probability of any spend (logit) with a gamma of the amounts, ``log_ols``
with least squares of log y, smeared by level of the score (Duan 1983; Manning 1998).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.counts import SPEND, Counts
from cxlink.cohort.errors import InputError
from cxlink.cohort.table import Cohort
from cxlink.fits.formulas.clusters_of_models import clustered_by, p_values, student_width, students_table
from cxlink.fits.formulas.formula import parse_formula
from cxlink.fits.formulas.model_cells import ModelCells, model_cells
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
from cxlink.fits.formulas.profile_design import ProfileDesign, learn_design, refuse_aliased
from cxlink.fits.scores import spend_scores_of
from cxlink.fits.spend_fit import POWER, Part, mean_spend, solved_parts, with_intercept
from cxlink.groups.effective_buckets import FEWEST_EFFECTIVE
from cxlink.spend.equation_stack import Stack
from cxlink.spend.spend_cells import BucketSums, SpendCells, in_units

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

FAMILIES = ("poisson", "gamma", "tweedie", "two_part", "log_ols")
_BINS = 10


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SpendModel:
    """A regression of spend, fitted by a formula.

    Attributes
    ----------
    name : str
        One of `FAMILIES`.
    design : ProfileDesign
        Its columns.
    parts : tuple of Part
        E[spend] is ``unit`` times the product of what they predict.
    stack : Stack
        Their parameters and joint robust covariance.
    draws : tuple of ndarray, each of shape (n_draws, n_parameters)
        Of each part's parameters.
    unit : float
        In the spec's currency.
    cells : ModelCells
        What it was fitted to.
    sums : SpendCells
        Sums of spend by profile, in units.
    source : Cohort or Counts
        What it was made from.
    """

    name: str
    design: ProfileDesign
    parts: tuple[Part, ...]
    stack: Stack
    draws: tuple[np.ndarray, ...]
    unit: float
    cells: ModelCells
    sums: SpendCells
    source: Cohort | Counts

    def __repr__(self) -> str:
        n = self.sums.n.sum()
        return f"<{self.name}: {self.design.formula.text}, {n:,.0f} customers, {len(self.design.names)} coefficients>"

    def _repr_html_(self) -> str:
        table: str = self.summary().to_html(float_format=lambda x: f"{x:.4g}")
        return f"<p>{self.name}: {self.design.formula.text}</p>{table}"

    def summary(self) -> pd.DataFrame:
        """Give every coefficient with its interval.

        Returns
        -------
        DataFrame
            Indexed by ``part`` (``share``: any spend; ``amount``) and ``term``: ``coefficient``, ``std_error`` (robust,
            HC2), ``ratio`` (exp(coefficient): of means, or of odds in ``share``), ``conf_low``, ``conf_high`` (of the
            ratio, at the spec's level), ``z``, ``p_value``, ``penalised``. A ratio over 1 says that customers spend
            more, or more of them spend. Where effectively fewer than six customers, or buckets of clusters, stand
            behind a coefficient it has no interval and no test.
        """
        names, rows = ("Intercept", *self.design.names), self._rows(self.cells.profiles)
        tables, start = [], 0
        for part, theta in zip(self.parts, self.stack.theta, strict=True):
            error = np.sqrt(np.diag(self.stack.covariance)[start : start + len(theta)])
            start += len(theta)
            if part.kind == "smearing":
                continue
            freedom = part.support(rows, self.sums).of_columns()
            error = np.where(freedom < FEWEST_EFFECTIVE, np.nan, error)
            width = student_width(freedom, self.cells.spec.analysis.level)
            value = theta + np.where(part.columns == 0, np.log(self.unit) * (part.kind == "amount"), 0.0)
            with np.errstate(over="ignore"):
                table = pd.DataFrame({
                    "part": part.kind, "term": [names[j] for j in part.columns], "coefficient": value,
                    "std_error": error, "ratio": np.exp(value), "conf_low": np.exp(value - width * error),
                    "conf_high": np.exp(value + width * error), "z": value / error,
                    "p_value": p_values(value / error, freedom),
                    "penalised": [int(j) in part.penalised for j in part.columns],
                })  # fmt: skip
            tables.append(table[table["term"] != "Intercept"] if len(names) > 1 else table)
        return pd.concat(tables).set_index(["part", "term"])

    def predict(self, profiles: Profiles) -> pd.DataFrame:
        """Predict mean spend for profiles, with intervals.

        Parameters
        ----------
        profiles : DataFrame, mapping or sequence of mappings
            Values of the formula's variables.

        Returns
        -------
        DataFrame
            One row a profile: its variables, ``estimate``, ``std_error``, ``conf_low``, ``conf_high`` in the spec's
            currency over its window, ``outside`` (a number lies outside what the cohort had).
        """
        frame = self.design.typed(as_profiles(profiles)).reset_index(drop=True)
        point, draws = self.means_at(frame), self._drawn(frame)
        table = frame.assign(**interval(point, draws, self.cells.spec.analysis.level))
        return self._students(table, self._rows(frame)).assign(outside=self.design.outside(frame))

    def average(
        self, variable: str = "score", at: "Mapping[str, Any] | None" = None, per: float | None = None
    ) -> pd.DataFrame:
        """Standardise over the cohort: mean spend if every customer had a variable at given values.

        Parameters
        ----------
        variable : str
            Of the formula.
        at : mapping of str to values, optional
            Named groups of values; the spec's best and worst levels of the score by default.
        per : float, optional
            Of a number: compare with the same customers at so much more.

        Returns
        -------
        DataFrame
            As `cxlink.fits.retention_model.RetentionModel.average` gives.
        """
        weight = self.sums.n
        populations = populations_of(self.design, self.cells, weight, variable, at=at, per=per)
        values = {name: self._averaged(one) for name, one in populations.items()}
        table = contrasts_table(values, self.cells.spec.analysis.level)
        sums = sums_of(table, {name: mean_rows(self.design, one) for name, one in populations.items()})
        return self._students(table, sums)

    def score(self) -> pd.Series:
        """Score the model on its own customers.

        Returns
        -------
        Series
            ``poisson_deviance`` per customer, and ``r_squared``: the share of the variance of spend.
        """
        sums = in_units(self.sums, 1 / self.unit)
        mean = float(sums.total.sum() / sums.n.sum())
        return spend_scores_of(sums, self.means_at(self.cells.profiles), mean)

    def check(self) -> pd.DataFrame:
        """Compare observed with predicted spend, by tenths of the customers in the order of their prediction.

        Returns
        -------
        DataFrame
            ``n``, ``predicted``, ``observed``, ``std_error`` (of the observed mean; none of clustered customers),
            ``z``.
        """
        mean = self.means_at(self.cells.profiles)
        order = np.argsort(mean, kind="stable")
        bin_ = np.empty(len(mean), int)
        passed = np.cumsum(self.sums.n[order]) - self.sums.n[order] / 2
        bin_[order] = np.minimum((_BINS * passed / self.sums.n.sum()).astype(int), _BINS - 1)
        n, predicted, total, squares = (
            np.bincount(bin_, x, _BINS)
            for x in (
                self.sums.n, self.sums.n * mean, self.sums.total * self.unit, self.sums.squares * self.unit**2,
            )
        )  # fmt: skip
        used = n > 0
        n, predicted, total, squares = (x[used] for x in (n, predicted, total, squares))
        error = np.sqrt(np.maximum(squares / n - (total / n) ** 2, 0.0) / n)
        if self.cells.bucket is not None:
            error = np.full(len(n), np.nan)
        table = pd.DataFrame(
            {"n": n.astype(int), "predicted": predicted / n, "observed": total / n, "std_error": error}
        )
        table["z"] = (table["observed"] - table["predicted"]) / table["std_error"].where(error > 0)
        return table

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the ratios with their intervals, on a log scale."""
        from cxlink.fits.pictures import forest

        table = self.summary()
        table.index = [term if len(self.parts) == 1 else f"{part}: {term}" for part, term in table.index]
        return forest(table, "ratio", ax)

    @property
    def native(self) -> Any:
        """The same regression by statsmodels on the profiles' means, weighted by customers; of two parts a tuple."""
        return as_statsmodels(self)

    def means_at(self, profiles: pd.DataFrame) -> np.ndarray:
        """Mean spend of profiles, of shape (n_profiles,), in the spec's currency.

        Parameters
        ----------
        profiles : DataFrame
            Values of the formula's variables, one row a profile.

        Returns
        -------
        ndarray of shape (n_profiles,)
            In the spec's currency.
        """
        means: np.ndarray = self._mean_spend(profiles, [theta[None] for theta in self.stack.theta])[0]
        return means

    def _drawn(self, profiles: pd.DataFrame) -> np.ndarray:
        """Draws of it, (n_draws, n_profiles)."""
        return self._mean_spend(profiles, self.draws)

    def _mean_spend(self, profiles: pd.DataFrame, theta: Sequence[np.ndarray]) -> np.ndarray:
        return self.unit * mean_spend(self.parts, theta, self._rows(profiles), self._groups(profiles))

    def _rows(self, profiles: pd.DataFrame) -> np.ndarray:
        return with_intercept(self.design.matrix(profiles))

    def _students(self, table: pd.DataFrame, sums: np.ndarray) -> pd.DataFrame:
        """Give rows Student's intervals, or none, by what the sums of coefficients behind each stand on."""
        rows = self._rows(self.cells.profiles)
        each = [
            part.support(rows, self.sums).freedom(sums[:, part.columns])
            for part in self.parts if part.kind != "smearing"
        ]  # fmt: skip
        ratio = table["measure"].eq("ratio") if "measure" in table else False
        made = table.assign(unit=np.where(ratio, "ratio", "amount"))
        return students_table(made, np.min(each, axis=0), self.cells.spec.analysis.level).drop(columns="unit")

    def _groups(self, profiles: pd.DataFrame) -> np.ndarray:
        """Level of the score of each profile, for smearing."""
        levels = self.design.levels.get("score")
        if levels is None:
            return np.zeros(len(profiles), int)
        codes = pd.Categorical(profiles["score"].astype(int), categories=list(levels)).codes
        return np.asarray(codes, int)

    def _averaged(self, population: Population) -> tuple[float, np.ndarray]:
        point, draws = 0.0, np.zeros(len(self.draws[0]))
        for profiles, weight in population:
            used = weight > 0
            point += float(weight[used] @ self.means_at(profiles[used]))
            draws = draws + self._drawn(profiles[used]) @ weight[used]
        return point, draws


def spend_regression(
    cohort: Cohort | Counts, formula: str = "score", family: str = "poisson", *, cluster: str | None = None
) -> SpendModel:
    """Fit a regression of spend.

    Parameters
    ----------
    cohort : Cohort or Counts
        From `cxlink.read_cohort`; from counts alone, the formula may use what they were adjusted for.
    formula : str
        Terms, such as ``score + plan``.
    family : {"poisson", "gamma", "tweedie", "two_part", "log_ols"}
        Which.
    cluster : str, optional
        Column of accounts or households whose customers are not independent, in place of the spec's ``[cohort]
        cluster``: standard errors are then robust over their buckets, and intervals Student's.

    Returns
    -------
    SpendModel
        Its coefficients are logarithms of ratios of means; of the probability of any spend, of odds.

    Raises
    ------
    InputError
        If the spec has no spend, there is no such family, nobody spent, or the formula is wrong.

    Examples
    --------
    >>> import pandas as pd
    >>> from cxlink import make_spec, read_cohort, spend_regression
    >>> rows = pd.DataFrame({"score": [1, 1, 2, 2], "spend": [10.0, 30.0, 30.0, 50.0]})
    >>> spend = {"column": "spend", "complete": True}
    >>> spec = make_spec({"score": {"column": "score", "scale": "1-2"}, "spend": spend})
    >>> round(spend_regression(read_cohort(rows, spec)).summary()["ratio"].item(), 6)
    2.0
    """
    cohort = clustered_by(cohort, cluster)
    if cohort.spec.spend is None:
        raise InputError("a regression of spend needs [spend] in the spec.")
    if family not in FAMILIES:
        raise InputError(f"{family!r} is no family of spend; there are {', '.join(FAMILIES)}.")
    if cohort.spec.spend.refunds and family != "poisson":
        raise InputError(f"{family} cannot take refunds: spend may be negative. Use poisson.")
    parsed = parse_formula(formula)
    cells = model_cells(cohort, parsed)
    return fit_spend_to(cells, learn_design(parsed, cells.profiles, cells.weight), family, cohort)


def sums_by_profile(cells: ModelCells, design: ProfileDesign) -> SpendCells:
    """Add the sums of spend of cells up by profile, in the spec's currency, with the levels of the design's score."""
    score = cells.profiles["score"] if "score" in design.levels else None
    levels = tuple(score.cat.categories) if score is not None else (0,)
    level = score.cat.codes.to_numpy(int) if score is not None else np.zeros(len(cells.profiles), int)
    by_profile = [np.bincount(cells.profile, cells.spend[name], len(cells.profiles)) for name in SPEND]
    n, zero, *sums = by_profile
    total, squares, log_total, log_squares, total_log = sums
    buckets = None
    if cells.bucket is not None:
        place, size = cells.profile * BUCKETS + cells.bucket, len(cells.profiles) * BUCKETS
        each = [
            np.bincount(place, cells.spend[name], size).reshape(-1, BUCKETS)
            for name in ("spend_n", "spend_zero", "spend_sum", "spend_sum_log")
        ]
        buckets = BucketSums(each[0], each[0] - each[1], *each[2:])
    return SpendCells(
        levels, pd.DataFrame(index=range(1)), level, 0 * level, n, n - zero, total, squares, log_total, log_squares,
        total_log, buckets,
    )  # fmt: skip


def fit_spend_to(
    cells: ModelCells, design: ProfileDesign, family: str, source: Cohort | Counts
) -> SpendModel:
    """Fit a regression of spend to cells, see `spend_regression`."""
    every = sums_by_profile(cells, design)
    unit = every.positive_mean
    if not unit > 0:
        raise InputError(f"{cells.name}: nobody with a complete window spent anything, net of refunds.")
    measured = in_units(every, unit)
    rows = with_intercept(design.matrix(cells.profiles))
    refuse_aliased(design, rows[every.n > 0, 1:])
    parts, stack = solved_parts(family, rows, measured)
    rng = np.random.default_rng([cells.spec.analysis.seed, 19])
    draws = tuple(stack.draws(cells.spec.analysis.draws, rng))
    return SpendModel(family, design, parts, stack, draws, unit, cells, measured, source)


def as_statsmodels(model: SpendModel) -> Any:
    """Statsmodels' regression of the profiles' means, each weighted by its customers; robust errors (HC0)."""
    import statsmodels.api as sm

    sums, log = model.sums, sm.families.links.Log()
    names = ["Intercept", *model.design.names]
    rows = pd.DataFrame(with_intercept(model.design.matrix(model.cells.profiles)), columns=names)

    def fitted(family: Any, total: np.ndarray, n: np.ndarray) -> Any:
        used = n > 0
        mean = total[used] / n[used]
        return sm.GLM(mean, rows[used], family=family, var_weights=n[used]).fit(cov_type="HC0", tol=1e-12)

    families = {
        "poisson": sm.families.Poisson(), "gamma": sm.families.Gamma(log),
        "tweedie": sm.families.Tweedie(log, var_power=POWER),
    }  # fmt: skip
    if model.name in families:
        return fitted(families[model.name], sums.total * model.unit, sums.n)
    share = fitted(sm.families.Binomial(), sums.positive, sums.n)
    if model.name == "two_part":
        return share, fitted(families["gamma"], sums.total * model.unit, sums.positive)
    shifted = sums.log_total + sums.positive * np.log(model.unit)
    return share, fitted(sm.families.Gaussian(), shifted, sums.positive)
