"""Non-response: response rates by stratum, retention of non-respondents and the tipping point, as rows and checks."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from cxlink.checks import Check, Fact
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.mix import MISSING, NO_STRATUM
from cxlink.cohort.count.spells import spells_of
from cxlink.cohort.strata import Category, stratum_column
from cxlink.estimands.support_checks import LEAST_SUPPORT, until
from cxlink.estimands.survival_estimands import survival_rows
from cxlink.estimands.tidy import row, widened_to_contain
from cxlink.sensitivity.nonresponse import NOT_SCORED, tipping_point, unscored_requests, unscored_spells
from cxlink.survival.kaplan_meier import kaplan_meier
from cxlink.survival.survival import Survival

Row = dict[str, Any]
TIPPING_POINT = "tipping_point"


def response(counts: Counts) -> float:
    """Share of all customers who have a score; NaN without customers."""
    n = int(counts.cells["n"].sum())
    return int(counts.scored["n"].sum()) / n if n else np.nan


def response_findings(counts: Counts) -> Iterator[Check]:
    """Response rate of the cohort, and of each category of the adjustment variables.

    None where all customers have a score; NaN for a category smaller than ``[publish] smallest_cell``.
    """
    if not response(counts) < 1:
        return
    yield Check("response", group="all", value=response(counts))
    least = counts.spec.publish.smallest_cell
    for name in counts.spec.stratum_variables:
        cells = counts.cells.assign(answered=counts.cells["n"].where(counts.cells["score"].notna(), 0))
        by_category = cells.groupby(stratum_column(name), sort=True)[["answered", "n"]].sum()
        shares = by_category["answered"] / by_category["n"]
        if (shares == (shares.index != MISSING)).all():
            continue  # recorded for respondents only, such as tenure at the survey
        for category, answered, n in by_category.itertuples(name=None):
            share = answered / n if n >= least else np.nan
            yield Check(
                "response", group="all", value=share, facts={"stratum": Category(name, category).label}
            )


def target_findings(counts: Counts) -> Iterator[Check]:
    """Check whether standardising to all customers changes anything, and which share of them it covers."""
    spec = counts.spec
    if spec.analysis.target != "customers" or not len(counts.scored):
        return
    late_entry = spec.subscription is not None and spec.subscription.clock == "signup"
    if not spec.stratum_variables and not late_entry:
        yield Check("target", passed=False, facts={"case": "nothing"})
    mix = spells_of(counts).mix
    if spec.stratum_variables and mix is not None:
        share = float(mix.n[mix.stratum != NO_STRATUM].sum() / mix.n.sum())
        yield Check(
            "target", value=share, bound=LEAST_SUPPORT, passed=share >= LEAST_SUPPORT, facts={"case": "share"}
        )


def unscored_rows(counts: Counts, rng: np.random.Generator) -> tuple[list[Row], list[Check]]:
    """Retention of the customers without a score who have a time origin, with checks.

    Both empty where all customers or none have a score.

    Parameters
    ----------
    counts : Counts
        Of the whole cohort.
    rng : Generator
        Its children are advanced.

    Returns
    -------
    rows, findings
    """
    spec = counts.spec
    spells = unscored_spells(counts)
    if spec.subscription is None or not 0 < response(counts) < 1:
        return [], []
    n_with_origin = 0 if spells is None else int(spells.n.sum())
    n_unscored = int(counts.cells.loc[counts.cells["score"].isna(), "n"].sum())
    findings = [Check("clock_starts", "kaplan_meier", NOT_SCORED, n_with_origin / n_unscored)]
    if spells is None:
        return [], findings
    requests, none = unscored_requests(spells, counts), csr_array((0, len(spells.n)))
    result = kaplan_meier(spells, requests, spec.analysis.draws, rng, horizon=spec.horizon, scores=none)
    rows = []
    for request, curves in zip(requests, result.curves, strict=True):
        rows += [
            r for r in survival_rows(curves, spec) if r["estimand"] == "retention" and not r.get("scenario")
        ]
        for share in request.covered.values():
            adjusted = request.labels["adjusted"]
            facts: dict[str, Fact] = {"case": f"unscored_{adjusted}", "adjusted": adjusted, **until(spec)}
            findings.append(Check("support", "kaplan_meier", NOT_SCORED, share, facts=facts))
    return rows, findings


def tipping_rows(curves: Survival, counts: Counts) -> tuple[list[Row], list[Check]]:
    """Tipping point of the headline contrast of retention, with a check where it is outside 0 to 1.

    Parameters
    ----------
    curves : Survival
        Of the headline, with draws.
    counts : Counts
        Of the whole cohort.

    Returns
    -------
    rows, findings
        The row's estimate and interval are limited to 0 to 1; the check has the unlimited value.
    """
    spec, share = counts.spec, response(counts)
    at = {int(t): k for k, t in enumerate(curves.times)}.get(spec.horizon)
    sides = spec.contrast(spec.analysis.contrasts[0])
    pair = next((p for p in curves.contrasts if tuple(curves.groups[g] for g in p) == sides), None)
    # of surveys that all count no share of customers says how much weight the unanswered ones have
    if at is None or pair is None or not share < 1 or spec.every_survey:
        return [], []
    a, b = pair
    value = float(tipping_point(curves.point[a, at], curves.point[b, at], share))
    if np.isnan(value):
        return [], []
    draws = tipping_point(curves.draws[:, a, at], curves.draws[:, b, at], share)
    tipping = row(
        TIPPING_POINT, np.clip(value, 0, 1), np.clip(draws, 0, 1), spec.analysis.level, "probability",
        model=curves.model, group=sides[0], reference=sides[1], horizon=spec.horizon, n=int(curves.n[a]),
        n_events=int(curves.n_events[a]), **curves.labels,
    )  # fmt: skip
    checks = []
    if not 0 <= value <= 1:
        checks.append(Check("tipping_point", curves.model, sides[0], value, facts={"reference": sides[1]}))
    if not curves.sparse[[a, b]].any():
        return [tipping], checks
    if spec.cluster_column is not None:
        return [{**tipping, "std_error": np.nan, "conf_low": np.nan, "conf_high": np.nan}], checks
    return [widened_to_contain(tipping)], checks
