"""Diagnostics of fitted families: fit, weights in the averages, out-of-time error and extrapolation warnings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from cxlink.checks import Check, Fact
from cxlink.cohort.count.spells import PersonPeriods
from cxlink.survival.families.averaging import members
from cxlink.survival.families.backtest import Backtest
from cxlink.survival.families.extrapolation_warnings import Spike
from cxlink.survival.families.fitted import Fit, Unfitted

_SAME = 1e-9


def fit_findings(fits: Sequence[Fit | Unfitted], n: int, adjusted: str) -> Iterator[Check]:
    """Fit of each family; a family that was not fitted has one check, with its reason.

    Parameters
    ----------
    fits : sequence of Fit or Unfitted
        The result of `fit_all`.
    n : int
        Customers, for the BIC.
    adjusted : str
        ``no`` or ``standardised``, a label of the fits.
    """
    for fit in fits:
        name, kind = fit.family.name, fit.family.kind
        same: dict[str, Fact] = {"adjusted": adjusted}
        if isinstance(fit, Unfitted):
            facts = {**same, "case": "curves", "reason": fit.reason, **fit.facts}
            yield Check("not_fitted", name, passed=False, facts=facts)
            continue
        yield Check("log_likelihood", name, value=fit.log_likelihood, facts=same)
        yield Check("aic", name, value=fit.aic, facts={**same, "kind": kind, "parameters": len(fit.estimate)})
        yield Check("bic", name, value=fit.bic(n), facts={**same, "customers": n})
        yield Check(
            "converged",
            name,
            value=fit.gradient_norm,
            passed=fit.converged,
            facts={**same, "case": "gradient"},
        )
        yield Check("condition", name, value=fit.condition, facts=same)
        for bound in fit.at_bound:
            yield Check("at_bound", name, facts={**same, "parameter": bound})
        if kind == "spline":
            yield _monotone(fit, same)
        for check in fit.checks:
            yield replace(check, facts={**check.facts, **same})


def _monotone(fit: Fit, facts: Mapping[str, Fact]) -> Check:
    """Whether a spline's cumulative hazard is monotone in time from 0.5 to 10,000 periods."""
    time = np.geomspace(0.5, 1e4, 200)
    level, stratum = (x.ravel() for x in np.indices((len(fit.matrices[0]) // fit.n_strata, fit.n_strata)))
    linked = [part[0][:, None] for part in fit.linked(fit.estimate[None], level, stratum)]
    with np.errstate(all="ignore"):
        rising = np.diff(fit.family.linked(time, *linked), axis=-1) > _SAME
    ok = not rising.any()
    case = "rises" if ok else "falls"
    return Check("monotone", fit.family.name, value=float(ok), passed=ok, facts={**facts, "case": case})


def ratio_findings(
    fits: Sequence[Fit], periods: PersonPeriods, names: Sequence[str], adjusted: str
) -> Iterator[Check]:
    """Ratios of each level to the worst level with customers, with their kind.

    Parameters
    ----------
    fits : sequence of Fit
        Families.
    periods : PersonPeriods
        The data of the fits.
    names : sequence of str
        Names of the levels.
    adjusted : str
        See `fit_findings`.
    """
    n_levels = len(periods.levels)
    if n_levels < 2:
        return
    level, stratum = np.arange(n_levels), np.zeros(n_levels, int)
    for fit in fits:
        location_ratio = fit.family.location_ratio
        location = fit.linked(fit.estimate[None], level, stratum)[0][0]
        facts = {"ratio": location_ratio.ratio, "reference": names[0], "adjusted": adjusted}
        for k in range(1, n_levels):
            ratio = float(np.exp(np.clip(location_ratio.sign * (location[k] - location[0]), -700, 700)))
            yield Check("level_ratio", fit.family.name, names[k], ratio, facts=facts)


def weight_findings(
    fits: Sequence[Fit], weights: Mapping[str, np.ndarray], tested: Backtest, adjusted: str
) -> Iterator[Check]:
    """Weight of each member of an average, and the kind of weights of ``averaged``.

    Parameters
    ----------
    fits : sequence of Fit
        Families.
    weights : mapping of str to ndarray of shape (n_fits,)
        By the average's model name.
    tested : Backtest
        The source of the backtest's weights, or the reason for none.
    adjusted : str
        See `fit_findings`.
    """
    chosen = members(fits)
    facts: dict[str, Fact] = {"adjusted": adjusted}
    if not chosen:
        yield Check("weights", "averaged", passed=False, facts={**facts, "case": "no_family"})
        return
    for name, share in weights.items():
        if name != "averaged" and share.any():
            yield Check("weights", name, facts={**facts, "case": name})
            for k in chosen:
                family = fits[k].family
                about = {**facts, "average": name, "kind": family.kind}
                yield Check("weight", family.name, value=float(share[k]), facts=about)
    if tested.reason:
        why = {**facts, "reason": tested.reason, **tested.facts}
        yield Check("weights", "averaged_backtest", passed=False, facts={**why, "case": "untested"})
        yield Check("weights", "averaged", facts={**why, "case": "as_aic"})
    else:
        yield Check("weights", "averaged", facts={**facts, "case": "as_backtest"})


def backtest_findings(tested: Backtest, unit: str, adjusted: str) -> Iterator[Check]:
    """Out-of-time predictions of each family from each origin.

    Parameters
    ----------
    tested : Backtest
        The result of `backtest`.
    unit : str
        Time unit.
    adjusted : str
        See `fit_findings`.
    """
    for row in tested.scores.to_dict("records"):
        facts: dict[str, Fact] = {
            "kind": str(row["kind"]), "origin": int(row["origin"]), "end": tested.end, "unit": unit,
            "adjusted": adjusted,
        }  # fmt: skip
        for name in ("log_score", "survival_error", "tenure_error", "covered"):
            yield Check(f"backtest_{name}", str(row["model"]), value=float(row[name]), facts=facts)


def warning_findings(
    warnings: Sequence[Check], spike: Spike | None, unit: str, adjusted: str
) -> Iterator[Check]:
    """Extrapolation warnings.

    Parameters
    ----------
    warnings : sequence of Check
        By family.
    spike : Spike or None
        Periodic losses.
    unit : str
        Time unit.
    adjusted : str
        See `fit_findings`.
    """
    for warning in warnings:
        yield replace(warning, facts={**warning.facts, "adjusted": adjusted})
    if spike is not None:
        facts: dict[str, Fact] = {"ratio": spike.ratio, "unit": unit, "adjusted": adjusted}
        yield Check("spike", value=float(spike.every), passed=False, facts=facts)
