"""The table of falling and rising scores, as a researcher holds it."""

from collections.abc import Iterable

import pandas as pd

from cxlink.checks import Check, matching
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report.estimates_lookup import known_rows

_COLUMNS = ("change", "given", "model", "surveys", "changed", "stayed", "difference", "conf_low", "conf_high")


def change_table(estimates: pd.DataFrame, checks: Iterable[Check], spec: CohortSpec) -> pd.DataFrame:
    """Set both contrasts of a fall and of a rise out, one row a contrast; see `cxlink.display.Analysis.changes`.

    Parameters
    ----------
    estimates : DataFrame
        The estimates table.
    checks : iterable of Check
        Which model each contrast stands on.
    spec : CohortSpec
        Its horizon.
    """
    rows = []
    for check in matching(checks, code="score_change"):
        scenario = str(check.facts["scenario"])
        mine = {
            (row.estimand, row.group): row
            for name in ("retention", "retention_difference")
            for row in known_rows(
                estimates, estimand=name, scenario=scenario, model=check.model, horizon=spec.horizon
            )
        }
        difference = mine.get(("retention_difference", check.group))
        if difference is None:
            continue
        changed, stayed = (mine["retention", group].estimate for group in (check.group, "stayed"))
        rows.append((
            check.group, scenario.rpartition("_")[2], check.model, difference.n, changed, stayed,
            difference.estimate, difference.conf_low, difference.conf_high,
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=list(_COLUMNS))
