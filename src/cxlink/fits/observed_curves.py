"""Observed curves of retention: Kaplan–Meier on counts, with draws of a customer bootstrap."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import chdtri

from cxlink.cohort.arguments_given import refuse_other, whole_numbers
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import Spells, spells_of
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.strata import stratum_column, stratum_variables
from cxlink.cohort.table import Cohort
from cxlink.fits.formulas.clusters_of_models import clustered_by
from cxlink.fits.formulas.model_cells import by_further_score
from cxlink.fits.formulas.populations import contrasts_table, interval
from cxlink.groups.effective_buckets import FEWEST_EFFECTIVE, buckets_of_curve
from cxlink.groups.requests import Request, own_entries, pooled
from cxlink.groups.standardisation import standardised
from cxlink.groups.support import reaches
from cxlink.survival.kaplan_meier import kaplan_meier as estimate_curves
from cxlink.survival.survival import Drawn, Survival

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STREAM = 20


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ObservedCurves:
    """Kaplan–Meier curves of groups of customers.

    Attributes
    ----------
    spec : CohortSpec
        Horizon, level of the intervals, draws and seed.
    spells : Spells
        The customers.
    request : Request
        The groups; standardised where asked for.
    """

    spec: CohortSpec
    spells: Spells
    request: Request

    def __repr__(self) -> str:
        n = int(self.spells.n.sum())
        return f"<kaplan_meier: {', '.join(self.groups)}; {n:,} customers, {self.spells.n_periods} periods>"

    def _repr_html_(self) -> str:
        table: str = self.at().to_html(index=False, float_format=lambda x: f"{x:.4g}")
        return table

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups."""
        return tuple(self.request.standards[g].group for g in self.request.own)

    def at(self, times: int | Sequence[int] | None = None) -> pd.DataFrame:
        """Retention at whole periods.

        Parameters
        ----------
        times : int or sequence of int, optional
            The spec's horizon by default.

        Returns
        -------
        DataFrame
            One row a group and time: ``group``, ``time``, ``n`` (customers in the group), ``estimate``, ``std_error``,
            ``conf_low``, ``conf_high``. Without a row where a group is not followed so far.
        """
        wanted = [self.spec.horizon] if times is None else whole_numbers(times, f"{self.spec.unit}s")
        curves = self._estimated(times=wanted)
        return self._table(
            curves, wanted, [(curves.point[:, k + 1], curves.draws[..., k + 1]) for k in range(len(wanted))]
        )

    def restricted_mean(self, horizon: int | None = None) -> pd.DataFrame:
        """Restricted mean survival time to a horizon, in periods; columns as `at` gives them.

        Parameters
        ----------
        horizon : int, optional
            In periods; the spec's by default.

        Returns
        -------
        DataFrame
            One row a group: ``group``, ``estimate``, ``std_error``, ``conf_low``, ``conf_high``, in periods.
        """
        (wanted,) = whole_numbers(horizon or self.spec.horizon, f"{self.spec.unit}s")
        curves = self._estimated(horizons=[wanted])
        return self._table(curves, [wanted], [(curves.area.point[:, 0], curves.area.draws[..., 0])])

    def median(self) -> pd.DataFrame:
        """When half of each group are lost, in periods, log-linear between them; infinite where they are not.

        Returns
        -------
        DataFrame
            One row a group: ``group``, ``estimate``, ``std_error``, ``conf_low``, ``conf_high``, in periods.
        """
        from cxlink.fits.survival_curves import median_time

        curves = self._estimated(times=range(1, self.spells.n_periods + 1))
        both = [median_time(np.nan_to_num(x, nan=1.0)) for x in (curves.point, curves.draws)]
        return self._table(curves, [0], [(both[0], both[1])]).drop(columns="time")

    def difference(self, group: str, reference: str, horizon: int | None = None) -> pd.DataFrame:
        """Compare two groups at a horizon, from the same draws.

        Parameters
        ----------
        group, reference : str
            Names of two groups, such as ``best`` and ``worst``.
        horizon : int, optional
            In periods; the spec's by default.

        Returns
        -------
        DataFrame
            ``group``, ``reference``, ``measure`` (``mean``, ``difference``, ``ratio``), ``estimate``, ``std_error``,
            ``conf_low``, ``conf_high``.

        Raises
        ------
        InputError
            If there is no such group, or one is not followed so far.
        """
        (wanted,) = whole_numbers(horizon or self.spec.horizon, f"{self.spec.unit}s")
        curves = self._estimated(times=[wanted])
        values: dict[str, tuple[float, np.ndarray]] = {}
        for name in (group, reference):
            if name not in self.groups:
                raise InputError(f"there is no group {name!r}; there are {', '.join(self.groups)}.")
            g = self.request.own[self.groups.index(name)]
            if np.isnan(curves.point[g, 1]):
                raise InputError(f"{name} is not followed for {wanted} {self.spec.unit}s.")
            values[name] = float(curves.point[g, 1]), curves.draws[:, g, 1]
        return contrasts_table(values, self.spec.analysis.level)

    def plot(
        self, groups: Sequence[str] | None = None, ax: "Axes | None" = None, *, at_risk: bool = True
    ) -> "Axes":
        """Draw curves with their intervals, and the customers at risk below.

        Parameters
        ----------
        groups : sequence of str, optional
            The worst and the best band by default, or every category of a variable.
        ax : Axes, optional
            Where to draw; a new pyplot figure by default.
        at_risk : bool
            Whether to write below the axis how many customers of each group are at risk at each tick.

        Raises
        ------
        InputError
            If there is no such group.
        """
        from cxlink.fits.pictures import curves

        bands = [name for name in ("worst", "best") if name in self.groups]
        shown = list(groups or bands or self.groups)
        for name in shown:
            if name not in self.groups:
                raise InputError(f"there is no group {name!r}; there are {', '.join(self.groups)}.")
        table = self.at(range(self.spells.n_periods + 1)).rename(columns={"group": "label"})
        members = {name: self._pairs(name) for name in shown}
        return curves(table, members, self.spells if at_risk else None, self.spec, ax)

    def _pairs(self, group: str) -> np.ndarray:
        """Pairs of level and stratum that a group is made of."""
        standard = self.request.standards[self.request.own[self.groups.index(group)]]
        return np.unique(np.concatenate([self.request.members[int(c)] for c in np.unique(standard.curve)]))

    @property
    def native(self) -> Mapping[str, Any]:
        """Lifelines' `KaplanMeierFitter` of each group that is not standardised, by its name.

        Raises
        ------
        InputError
            If the curves are standardised: lifelines has no such curve.
        """
        from lifelines import KaplanMeierFitter

        if self.request.labels["adjusted"] != "no":
            raise InputError("lifelines has no standardised curve: ask for standardise=False.")
        fitted = {}
        for g in self.request.own:
            standard = self.request.standards[g]
            inside = np.isin(self.spells.pair, self.request.members[int(standard.curve[0])])
            inside &= self.spells.exit > self.spells.entry
            spells = self.spells
            fitted[standard.group] = KaplanMeierFitter().fit(
                spells.exit[inside], spells.cause[inside] > 0, weights=spells.n[inside],
                entry=spells.entry[inside] if spells.entry.any() else None, label=standard.group,
            )  # fmt: skip
        return fitted

    def _estimated(self, times: Sequence[int] = (), horizons: Sequence[int] = ()) -> Survival:
        analysis = self.spec.analysis
        asked = replace(self.request, times=np.array([0, *times]), horizons=tuple(horizons))
        none = sparse.csr_array((0, len(self.spells.n)))
        rng = np.random.default_rng(analysis.seed)
        made = estimate_curves(
            self.spells, [asked], analysis.draws, rng, horizon=self.spec.horizon, scores=none
        )
        return made.curves[0] if self.spells.buckets is None else self._students(made.curves[0])

    def _students(self, curves: Survival) -> Survival:
        """Make draws over buckets Student's; NaN where a group has too few, or too few losses to be drawn so."""
        rng = np.random.default_rng([self.spec.analysis.seed, _STREAM])
        uniform = rng.random(self.spec.analysis.draws)
        noise = np.full((len(uniform), len(curves.groups)), np.nan)
        for g in range(len(curves.groups)):
            effective = buckets_of_curve(self.spells, self.request, g)
            if effective >= FEWEST_EFFECTIVE and not curves.sparse[g]:
                noise[:, g] = np.sqrt(effective / chdtri(effective, uniform))
        draws = curves.point + noise[..., None] * (curves.draws - curves.point)
        area = curves.area.point + noise[..., None] * (curves.area.draws - curves.area.point)
        area = Drawn(curves.area.point, np.maximum(area, 0.0))
        return replace(curves, draws=np.clip(draws, 0.0, 1.0), area=area)

    def _table(
        self, curves: Survival, times: Sequence[int], values: Sequence[tuple[np.ndarray, np.ndarray]]
    ) -> pd.DataFrame:
        own = list(self.request.own)
        frames = []
        for time, (point, draws) in zip(times, values, strict=True):
            known = [g for g in own if not np.isnan(point[g])]
            ends = interval(point[known], draws[:, known], self.spec.analysis.level)
            # draws of a small group are shrunk: its interval is widened to hold the estimate, where it has one
            ends["conf_low"] = np.minimum(ends["conf_low"], ends["estimate"])
            ends["conf_high"] = np.maximum(ends["conf_high"], ends["estimate"])
            names = {"group": [curves.groups[g] for g in known], "time": time, "n": curves.n[known]}
            frames.append(pd.DataFrame({**names, **ends}))
        return pd.concat(frames, ignore_index=True)


def kaplan_meier(
    cohort: Cohort | Counts, by: str = "score", standardise: bool = False, *, cluster: str | None = None
) -> ObservedCurves:
    """Estimate observed curves of retention by groups.

    Parameters
    ----------
    cohort : Cohort or Counts
        From `cxlink.read_cohort`.
    by : str
        ``score`` (each level, the worst and best bands, all), a variable that the spec adjusts for, or one of
        ``[score] others``, of the customers who gave it.
    standardise : bool
        Whether to average each score's curves over the strata of all customers scored (of ``by="score"`` alone).
    cluster : str, optional
        Column of accounts or households whose customers are not independent, in place of the spec's ``[cohort]
        cluster``: intervals are then Student's, from draws of their buckets; none where those are too few.

    Returns
    -------
    ObservedCurves

    Raises
    ------
    InputError
        If the spec has no retention, nobody has a score, or the variable is not adjusted for.

    Examples
    --------
    >>> import pandas as pd
    >>> from cxlink import kaplan_meier, make_spec, read_cohort
    >>> rows = pd.DataFrame({"score": [1, 1, 2, 2] * 20, "months": [1, 2, 2, 2] * 20, "left": [1, 0, 0, 1] * 20})
    >>> durations = {"duration": "months", "event": "left"}
    >>> score = {"column": "score", "scale": "1-2"}
    >>> spec = make_spec({"score": score, "subscription": durations, "analysis": {"horizon": 2}})
    >>> kaplan_meier(read_cohort(rows, spec)).at(1).set_index("group")["estimate"]
    group
    1        0.50
    2        1.00
    worst    0.50
    best     1.00
    all      0.75
    Name: estimate, dtype: float64
    """
    cohort = clustered_by(cohort, cluster)
    refuse_other(by, (str,), "by")
    further = isinstance(cohort, Cohort) and by in cohort.spec.others
    counts = _counted(cohort, by)
    spec = counts.spec
    if spec.subscription is None:
        raise InputError(
            "a model of retention needs [subscription] in the spec: when each customer was lost."
        )
    if not len(counts.scored):
        raise InputError(f"{counts.profile.table}: nobody has a score.")
    spells = spells_of(counts)
    if by != "score":
        if standardise:
            raise InputError("curves are standardised by score: leave out by.")
        order = [str(level) for level in spec.others[by].levels.levels] if further else None
        return ObservedCurves(spec, spells, _by_variable(spells, by, order))
    request = (
        standardised(spells, spec, reaches(spells, spec.horizon)) if standardise else pooled(spells, spec)
    )
    if request is None:
        raise InputError("there is nothing to standardise over: name columns in [adjust].")
    return ObservedCurves(spec, spells, request)


def _counted(cohort: Cohort | Counts, by: str) -> Counts:
    """Counts of a cohort; by a further score, of those who gave it."""
    if not isinstance(cohort, Cohort):
        return cohort
    return by_further_score(cohort, by) if by in cohort.spec.others else cohort.count()


def _by_variable(spells: Spells, name: str, order: Sequence[str] | None = None) -> Request:
    """One curve a category of an adjustment variable, whatever the score, in this order."""
    column = stratum_column(name)
    if column not in spells.strata:
        known = ["score", *stratum_variables(spells.strata)]
        raise InputError(f"there are no curves by {name!r}; there are by {', '.join(known)}.")
    present = set(spells.strata[column])
    values = sorted(present) if order is None else [value for value in order if value in present]
    members = tuple(
        np.flatnonzero((spells.strata[column] == value).to_numpy()[spells.stratum]) for value in values
    )
    standards = tuple(
        own_entries(spells, str(value), pairs, k)
        for k, (value, pairs) in enumerate(zip(values, members, strict=True))
    )
    labels = {"adjusted": "no", "stratum": "", "scenario": ""}
    return Request(labels, members, standards, tuple(range(len(values))), ())
