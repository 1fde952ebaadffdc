"""Means of the negative control become rows, and a verdict."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.retention_rows import CONTRASTS, contrasted, held
from cxlink.estimands.support_checks import finding
from cxlink.estimands.tidy import row
from cxlink.sensitivity.negative_control import control_means, control_spells, varies
from cxlink.spend.means import Means

Row = dict[str, Any]


def control_rows(counts: Counts, rng: np.random.Generator) -> tuple[list[Row], list[Row]]:
    """Run the negative control through the analysis of spend.

    Parameters
    ----------
    counts : Counts
        Of the cohort.
    rng : Generator
        Advanced.

    Returns
    -------
    rows, findings
        Nothing without a control; a finding alone where nobody's is known, or all are the same.
    """
    spec = counts.spec
    if spec.control is None or "control_n" not in counts.cells or not len(counts.scored):
        return [], []
    known, n = int(counts.scored["control_n"].sum()), int(counts.scored["n"].sum())
    note = f"share of the customers with a score whose {spec.control.column} is known: the others are left out of it"
    findings = [finding("means", "control_known", "", known / n, None, note)]
    spells = control_spells(counts)
    if not known or not varies(spells):
        what = "is the same for everybody" if known else "is not known of anybody with a score"
        note = f"{spec.control.column} {what}: as a negative control it says nothing, and has no row"
        return [], [*findings, finding("means", "control", "", float(known), False, note)]
    rows = []
    for means in control_means(spells, counts, rng):
        found = list(_rows(means, spec))
        rows += found
        findings += _verdict(found, spec)
    return rows, findings


def _rows(means: Means, spec: CohortSpec) -> Iterator[Row]:
    """Means by group, and contrasts of them; no ratio where a mean is not over 0."""
    level = spec.analysis.level
    for g in means.own:
        shown = row("control", means.point[g], means.draws[:, g], level, "", **_names(means, g))
        yield held(shown) if means.spent_nothing[g] else shown
    for a, b in means.contrasts:
        for kind, contrast in CONTRASTS.items():
            if kind == "ratio" and not (means.point[a] >= 0 and means.point[b] > 0):
                continue
            draws = np.maximum(means.draws, 0.0) if kind == "ratio" else means.draws
            value, drawn = contrasted(contrast, means.point, draws, a, b)
            unit = "ratio" if kind == "ratio" else ""
            shown = row(
                f"control_{kind}", value, drawn, level, unit, reference=means.groups[b], **_names(means, a)
            )
            yield held(shown) if means.spent_nothing[[a, b]].any() else shown


def _names(means: Means, g: int) -> Row:
    return {
        "model": "means", "group": means.groups[g], "n": int(means.n[g]), "extrapolated": 0.0, **means.labels
    }  # fmt: skip


def _verdict(rows: list[Row], spec: CohortSpec) -> Iterator[Row]:
    """Say whether the headline contrast of the control shows nothing, as it should."""
    sides = spec.contrast(spec.analysis.contrasts[0])
    for shown in rows:
        if shown["estimand"] == "control_difference" and (shown["group"], shown["reference"]) == sides:
            nothing = bool(shown["conf_low"] <= 0 <= shown["conf_high"])
            kind = "standardised" if shown["adjusted"] == "standardised" else "unadjusted"
            note = f"difference of the negative control, {kind}: its interval should hold 0, since no score changed it"
            yield finding("means", "control_difference", ":".join(sides), shown["estimate"], nothing, note)
