"""What is set beside the shipped projection, on the same cohort: averages of the families, and equal weights."""

from collections.abc import Sequence

import numpy as np

from cxlink.cohort.count.spells import Spells, merged_over_strata, person_periods
from cxlink.estimands.model_rows.tenure_estimates import weights_of
from cxlink.groups.requests import Request
from cxlink.survival.families.averaging import members, project_all
from cxlink.survival.families.backtest import backtest
from cxlink.survival.families.fit import fit_all
from cxlink.survival.families.fitted import Fit
from cxlink.survival.families.projected_tenure import last_with_ten
from cxlink.survival.families.projection_plan import Target
from cxlink.survival.survival import Survival

RIVALS = ("averaged", "averaged_equal")


def rivals(
    spells: Spells, request: Request, horizons: Sequence[int], draws: int, rng: np.random.Generator
) -> list[Survival]:
    """Fit the families to a cohort, strata additive, and give the averages `RIVALS`, as an analysis makes them.

    Parameters
    ----------
    spells : Spells
        The cohort.
    request : Request
        As `long_law.request_of` makes it.
    horizons : sequence of int
        Whole periods.
    draws : int
        Of each quantity.
    rng : Generator
        Advanced.
    """
    periods = person_periods(spells)
    if len(spells.strata) == 1:
        periods = merged_over_strata(periods)
    fits = [fit for fit in fit_all(periods) if isinstance(fit, Fit)]
    used = [fits[k] for k in members(fits)]
    tested = backtest(used, periods, spells, ("levels", "location"), rng)
    level, stratum = (x.ravel() for x in np.indices((len(spells.levels), len(periods.strata))))
    target = Target(
        level, stratum, request.standards, tuple(sorted(horizons)), last_with_ten(periods, level, request.standards),
        request.labels, contrasts=request.contrasts,
    )  # fmt: skip
    weights = {name: share for name, share in weights_of(used, tested).items() if name in RIVALS}
    return [one for one in project_all(used, target, weights, draws, rng) if one.model in RIVALS]
