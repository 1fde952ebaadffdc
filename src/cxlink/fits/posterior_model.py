"""Bayesian models of retention and spend, partially pooled over strata and earlier cohorts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from cxlink.bayes.assessment.convergence import convergence
from cxlink.bayes.draws.posterior_curves import fitted, survival_of
from cxlink.bayes.draws.posterior_means import spend_draws
from cxlink.bayes.draws.sampling import NUTPIE, Posterior, sampler_named
from cxlink.bayes.models.spend_posterior import sample_spend
from cxlink.bayes.pooled_counts import bayes_effect, coding_from, pool
from cxlink.bayes.rescaling.rescaled_draws import as_sampled, rescaled_retention, rescaled_spend
from cxlink.bayes.stacked_spend import stack_counts
from cxlink.cohort.arguments_given import refuse_unlisted, whole_numbers
from cxlink.cohort.count.counts import Counts, refuse_mismatch
from cxlink.cohort.count.spells import person_periods, spells_of
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import PERIODS_PER_YEAR, CohortSpec
from cxlink.cohort.strata import stratum_column
from cxlink.cohort.table import Cohort
from cxlink.estimands.bayesian.posterior_coefficients import posterior_coefficients
from cxlink.estimands.over_clusters.clustered_rows import clustering
from cxlink.fits.formulas.clusters_of_models import clustered_by, students_table
from cxlink.fits.formulas.formula import ModelFormula, parse_formula
from cxlink.fits.formulas.model_cells import ModelCells, model_cells, with_strata
from cxlink.fits.formulas.populations import Profiles, as_profiles, contrasts_table, interval, sums_of
from cxlink.fits.formulas.profile_design import ProfileDesign, learn_design, score_level
from cxlink.fits.survival_curves import Quantity, median_time, quantity_of, refuse_quantity
from cxlink.progress import telling
from cxlink.spend.fitted_regressions import NoSpendFit
from cxlink.stages import announce

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Kind = Literal["hazard", "sbg", "spend"]
_MODELS = {"hazard": "bayes", "sbg": "bayes_sbg", "spend": "bayes_spend"}
_LONGEST = 1_200
_TERMS = ["part", "term", "level", "reference"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PosteriorModel:
    """A posterior of retention or of spend, by level of the score and stratum.

    Attributes
    ----------
    kind : {"hazard", "sbg", "spend"}
        A random-walk hazard, shifted beta geometric retention, or a hurdle gamma of spend.
    draws : Posterior
        What was sampled; where customers are clustered rescaled to the covariance that their buckets show, with the
        draws as sampled in the group ``sampled`` of its tree.
    counts : Counts
        Of the cohort that is reported: the last one of those pooled.
    """

    kind: Kind
    draws: Posterior
    counts: Counts

    def __repr__(self) -> str:
        n = int(self.counts.scored["n"].sum())
        return f"<posterior of {self.kind}: {n:,} customers, {self.draws.n_draws:,} draws>"

    def _repr_html_(self) -> str:
        table: str = self.summary().to_html(float_format=lambda x: f"{x:.4g}")
        return table

    @property
    def spec(self) -> CohortSpec:
        """The spec of the cohort."""
        return self.counts.spec

    @property
    def native(self) -> Any:
        """The draws as ArviZ has them: an xarray `DataTree` with ``posterior`` and ``sample_stats``.

        Of clustered customers ``posterior`` is rescaled, and the group ``sampled`` has the draws as sampled.
        """
        return self.draws.tree

    def summary(self) -> pd.DataFrame:
        """Give every effect with its interval.

        Returns
        -------
        DataFrame
            Indexed by ``part``, ``term``, ``level``, ``reference``: ``estimate`` (posterior mean), ``std_error``
            (posterior standard deviation), ``conf_low``, ``conf_high``, ``scale``; see
            `cxlink.estimands.bayesian.posterior_coefficients`.
        """
        rows = posterior_coefficients(self.draws, self.counts, spells_of(self.counts))
        clustered = clustering(self.counts)
        rows = rows if clustered is None else clustered.coefficients(rows)
        table = pd.DataFrame(rows).set_index(_TERMS)
        return table[["estimate", "std_error", "conf_low", "conf_high", "scale"]]

    def predict(
        self, profiles: Profiles, quantity: Quantity = "survival", times: Sequence[int] | int | None = None
    ) -> pd.DataFrame:
        """Predict for profiles: a score, and a value of each adjustment variable.

        Parameters
        ----------
        profiles : DataFrame, mapping or sequence of mappings
            With ``score`` and each variable that the spec adjusts for.
        quantity : {"survival", "rmst", "median"}
            Of retention; mean spend over the window has none.
        times : int or sequence of int, optional
            Whole periods; the spec's horizon by default.

        Returns
        -------
        DataFrame
            One row a profile and time: the profile, ``time``, ``estimate`` (posterior mean), ``std_error``,
            ``conf_low``, ``conf_high``. Beyond follow-up the random walk goes on.

        Raises
        ------
        InputError
            If there is no such quantity, a profile lacks a variable, or nobody pooled had its score or stratum.
        """
        frame = as_profiles(profiles)
        draws, shown = self._drawn(frame, quantity, times)
        level = self.spec.analysis.level
        parts = [
            frame.assign(time=time, **interval(draws[..., k].mean(axis=0), draws[..., k], level))
            for k, time in enumerate(shown)
        ]
        unit = "probability" if self.kind != "spend" and quantity == "survival" else "amount"
        table = self._students(pd.concat(parts, ignore_index=True).assign(unit=unit), frame)
        return table if self.kind != "spend" and quantity != "median" else table.drop(columns="time")

    def average(
        self,
        at: Mapping[str, Sequence[int]] | None = None,
        horizon: int | None = None,
        quantity: Quantity = "survival",
    ) -> pd.DataFrame:
        """Standardise over the cohort's strata: what the model predicts if everybody had given certain scores.

        Parameters
        ----------
        at : mapping of str to scores, optional
            Named groups; the spec's best and worst levels by default, averaged by their shares in the cohort.
        horizon : int, optional
            Periods; the spec's by default.
        quantity : {"survival", "rmst", "median"}
            Of retention; a median is where the standardised curve reaches one half.

        Returns
        -------
        DataFrame
            ``group``, ``reference``, ``measure`` (``mean``, ``difference``, ``ratio``), ``estimate``, ``std_error``,
            ``conf_low``, ``conf_high``.

        Raises
        ------
        InputError
            If nobody gave one of the scores.
        """
        cells = self._cells()
        weight = cells.weight / cells.n.sum()
        groups = at or {"best": self.spec.best, "worst": self.spec.worst}
        scores = cells.profiles["score"].astype(int).to_numpy()
        strata = cells.profiles.assign(weight=weight).drop(columns="score")
        names = list(strata.columns.drop("weight"))
        over = (
            strata.groupby(names, observed=True, as_index=False).sum()
            if names
            else pd.DataFrame({"weight": [1.0]})
        )
        values: dict[str, tuple[float, np.ndarray]] = {}
        means: dict[str, pd.DataFrame] = {}
        for name, levels in groups.items():
            shares = {level: float(weight[scores == level].sum()) for level in levels}
            whole = sum(shares.values())
            if not whole:
                raise InputError(f"nobody in the cohort has a score of {tuple(levels)}.")
            shares = {level: share / whole for level, share in shares.items() if share}
            draws = self._standardised(over, shares, quantity, horizon)
            values[name] = float(draws.mean()), draws
            means[name] = pd.concat([
                over.assign(score=level, weight=share * over["weight"]) for level, share in shares.items()
            ])  # fmt: skip
        table = contrasts_table(values, self.spec.analysis.level)
        unit = "probability" if self.kind != "spend" and quantity == "survival" else "amount"
        units = table["measure"].map({"ratio": "ratio"}).fillna(unit)
        return self._students(table.assign(unit=units), means)

    def score(self) -> pd.Series:
        """Give the log score and the Brier score of retention on the cohort's own customers.

        Returns
        -------
        Series
            ``log_score`` (per customer at risk) and ``brier`` (at the spec's horizon).

        Raises
        ------
        InputError
            If it is a model of spend.
        """
        from cxlink.fits.scores import scores_of

        if self.kind == "spend":
            raise InputError("a posterior of spend is judged by check().")
        cells = self._cells()
        times = np.arange(cells.n_periods + 1)
        draws, _ = self._drawn(
            cells.profiles.assign(score=cells.profiles["score"].astype(int)), "survival", times
        )
        return scores_of(cells, np.log(np.maximum(draws.mean(axis=0), 1e-300)), self.spec.horizon)

    def check(self) -> pd.DataFrame:
        """Give the convergence of the sampling: ``code``, ``value``, ``bound``, ``passed``.

        Returns
        -------
        DataFrame
            One row a check of R-hat, effective sample size and divergences.
        """
        rows = [
            (one.code, one.value, one.bound, one.passed) for one in convergence(as_sampled(self.draws).tree)
        ]
        return pd.DataFrame(rows, columns=["code", "value", "bound", "passed"])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the effects of the score as ratios, with their intervals, on a log scale."""
        from cxlink.fits.pictures import forest

        table = self.summary().reset_index()
        table = table[table["term"] == "score"]
        part = table["part"].where(table["part"] == "", table["part"] + ": ")
        ratios = (
            table[["estimate", "conf_low", "conf_high"]].apply(np.exp).rename(columns={"estimate": "ratio"})
        )
        ratios.index = pd.Index(part + "score " + table["level"] + " : " + table["reference"])
        return forest(ratios, "ratio", ax)

    def _students(self, table: pd.DataFrame, about: pd.DataFrame | dict[str, pd.DataFrame]) -> pd.DataFrame:
        """Give rows of clustered customers Student's intervals; as they are where customers are independent.

        ``about`` are their profiles, or those of each group with weights; they stand on the customers that a model
        additive in score and strata would estimate them from.
        """
        if self.spec.cluster_column is None:
            return table.drop(columns="unit")
        freedom = np.zeros(len(table))
        if "bucket" in self.counts.cells:
            cells, formula = self._cells(), self._formula()
            design = learn_design(formula, cells.profiles, cells.weight)
            if isinstance(about, pd.DataFrame):
                sums = np.tile(_with_constant(design, about), (len(table) // len(about), 1))
            else:
                means = {
                    name: one["weight"].to_numpy(float) @ _with_constant(design, one)
                    for name, one in about.items()
                }
                sums = sums_of(table, means)
            matrix = design.matrix(cells.profiles)
            freedom = cells.support(matrix, of_spend=self.kind == "spend").freedom(sums)
        return students_table(table, freedom, self.spec.analysis.level).drop(columns="unit")

    def _formula(self) -> ModelFormula:
        return parse_formula(" + ".join(["score", *(f"`{name}`" for name in self.spec.stratum_variables)]))

    def _cells(self) -> ModelCells:
        return model_cells(self.counts, self._formula())

    def _drawn(
        self, frame: pd.DataFrame, quantity: str, times: Sequence[int] | np.ndarray | int | None
    ) -> tuple[np.ndarray, list[float]]:
        """Draws of profiles, (n_draws, n_profiles, n_times), and the times."""
        refuse_quantity(quantity)
        pairs = self._positions(frame)
        if self.kind == "spend":
            return spend_draws(self.draws)[:, pairs[0], pairs[1]][..., None], [np.nan]
        asked = [self.spec.horizon] if times is None else whole_numbers(times, f"{self.spec.unit}s")
        last = _LONGEST if quantity == "median" else int(max(asked))
        rng = np.random.default_rng([self.spec.analysis.seed, 20])
        curves = survival_of(self.draws, last, rng)
        survival = np.exp(curves.log_survival(slice(None), pairs, np.arange(last + 1)))
        shown = [np.nan] if quantity == "median" else [float(time) for time in asked]
        return quantity_of(survival, quantity, [int(time) for time in asked]), shown

    def _standardised(
        self, over: pd.DataFrame, shares: Mapping[int, float], quantity: str, horizon: int | None
    ) -> np.ndarray:
        """Draws of levels by their shares, over strata with weights: of shape (n_draws,)."""
        curves = quantity == "median" and self.kind != "spend"
        asked = ("survival", range(_LONGEST + 1)) if curves else (quantity, horizon)
        total: np.ndarray | float = 0.0
        for level, share in shares.items():
            if share:
                drawn, _ = self._drawn(over.assign(score=level), *asked)
                total = total + share * np.einsum("dpt,p->dt", drawn, over["weight"].to_numpy(float))
        draws = np.asarray(total)
        return median_time(draws) if curves else draws[:, 0]

    def _positions(self, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        coding = coding_from(self.draws.about["coding"])
        variables = self.spec.stratum_variables
        for name in ("score", *variables):
            if name not in frame:
                raise InputError(f"a profile lacks {name!r}; it needs {', '.join(('score', *variables))}.")
        level, stratum = [], []
        for row in frame.assign(score=frame["score"].map(score_level)).to_dict("records"):
            key = tuple(sorted((stratum_column(name), str(row[name])) for name in variables))
            if row["score"] not in coding.levels or key not in coding.strata:
                raise InputError(
                    f"nobody pooled had {', '.join(f'{k} = {row[k]}' for k in ('score', *variables))}."
                )
            level.append(coding.levels.index(row["score"]))
            stratum.append(coding.strata.index(key))
        return np.array(level), np.array(stratum)


def _with_constant(design: ProfileDesign, profiles: pd.DataFrame) -> np.ndarray:
    """The constant and the columns of profiles; 0 where only an earlier cohort had a value."""
    named = profiles.assign(score=profiles["score"].map(score_level))
    known = np.ones(len(named), dtype=bool)
    for name, levels in design.levels.items():
        known &= named[name].map(str).isin([str(level) for level in levels]).to_numpy()
    rows = np.zeros((len(named), 1 + len(design.names)))
    if known.any():
        rows[known, 0], rows[known, 1:] = 1.0, design.matrix(named[known])
    return rows


def posterior(
    cohort: Cohort | Counts,
    model: Kind = "hazard",
    earlier: Mapping[str, Counts] | None = None,
    *,
    sampler: str = NUTPIE,
    cluster: str | None = None,
    strata: Sequence[str] = (),
    **sampling: Any,
) -> PosteriorModel:
    """Sample a Bayesian model.

    Parameters
    ----------
    cohort : Cohort or Counts
        The cohort that is reported.
    model : {"hazard", "sbg", "spend"}
        A random-walk hazard, shifted beta geometric retention, or a hurdle gamma of spend; each with effects of the
        score and strata, partially pooled.
    earlier : mapping of str to Counts, optional
        Earlier cohorts by name, pooled with it.
    sampler : {"nutpie", "pymc"}
        Nutpie on the density of the counts, or PyMC on its own model, which takes longer.
    cluster : str, optional
        Column of accounts or households, in place of that of the spec: draws are rescaled to the covariance that their
        buckets show, and intervals are Student's (`cxlink.bayes.rescaling`).
    strata : sequence of str
        Columns, and names of ``[score] others``, that are strata beside those of the spec; of a further score the
        customers who gave it. Where every survey counts (``[cohort] repeat = "all"``) the score before is one already.
    **sampling
        ``draws``, ``tune``, ``chains``, ``cores``: see `cxlink.bayes.draws.sampling.sample`.

    Returns
    -------
    PosteriorModel
        The draws, and what is read from them.

    Raises
    ------
    InputError
        If there is no such model or sampler, the spec lacks its outcome, the table or the counts lack a stratum, it is
        an outcome, or an earlier cohort is not of the same kind.
    """
    counts = with_strata(clustered_by(cohort, cluster), strata)
    spec = counts.spec
    refuse_unlisted(model, _MODELS, "Bayesian model")
    sampler = sampler_named(sampler, bayes=True)
    if (spec.spend if model == "spend" else spec.subscription) is None:
        raise InputError(
            f"a posterior of {model} needs [{'spend' if model == 'spend' else 'subscription'}] in the spec."
        )
    for name, one in (earlier or {}).items():
        refuse_mismatch(counts, one, name)
    cohorts = {**(earlier or {}), spec.cohort.name: counts}
    effect, seed = bayes_effect(spec.score.effect), spec.analysis.seed
    if model == "spend":
        stack = stack_counts(cohorts)
        if isinstance(stack, NoSpendFit):
            raise InputError(f"{counts.profile.table}: nobody with a complete window spent anything.")
        with telling(None, ("sampling_spend",)) as told:
            drawn = sample_spend(
                stack, effect, seed=seed, sampler=sampler,
                progress=lambda share: announce(told, "sampling_spend", share=share), **sampling,
            )  # fmt: skip
        return PosteriorModel(model, rescaled_spend(drawn, stack), counts)
    periods = {name: person_periods(spells_of(one)) for name, one in cohorts.items()}
    pooled = pool(periods, effect, levels=spec.scale.levels)
    per_year = PERIODS_PER_YEAR[spec.unit]
    name = _MODELS[model]
    with telling(None, ("sampling_retention",)) as told:
        drawn = fitted(
            pooled, name, per_year, seed=seed, sampler=sampler,
            progress=lambda share: announce(told, "sampling_retention", model=name, share=share), **sampling,
        )  # fmt: skip
    return PosteriorModel(model, rescaled_retention(drawn, pooled), counts)
