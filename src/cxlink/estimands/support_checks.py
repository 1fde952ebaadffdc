"""Diagnostics: what stands behind the estimates, one row a finding."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.scales import label
from cxlink.groups.requests import Request
from cxlink.spend.means import CellMeans, MeanSpend
from cxlink.survival.survival import Survival

COLUMNS = ("model", "quantity", "group", "value", "ok", "note")
LEAST_SUPPORT = 0.9
MOST_EMPTIED = 0.5

Row = dict[str, Any]


def finding(model: str, quantity: str, group: str, value: float, ok: bool | None, note: str) -> Row:
    """Make one row of diagnostics.csv; ``ok`` is None where nothing is judged."""
    return {"model": model, "quantity": quantity, "group": group, "value": value, "ok": ok, "note": note}


def support_rows(model: str, request: Request, spec: CohortSpec) -> Iterator[Row]:
    """Share of the customers standardised to that each standardised contrast stands on."""
    words = "with a complete window" if model == "means" else f"at risk to {spec.horizon} {spec.unit}s"
    sides = spec.contrast(spec.analysis.contrasts[0])
    adjusted = request.labels["adjusted"] != "no"
    for group, share in request.covered.items():
        ok = share >= LEAST_SUPPORT if adjusted and group in (":".join(sides), *sides) else None
        whose = "all customers" if spec.analysis.target == "customers" else "the customers scored"
        note = f"share of {whose} in strata where every level has somebody {words}"
        if not adjusted:
            note = f"share of the group that can be followed for {spec.horizon} {spec.unit}s: its rows are theirs"
        yield finding(model, "support", group if adjusted else f"{group}, unadjusted", share, ok, note)


def curve_rows(curves: Survival, spec: CohortSpec) -> Iterator[Row]:
    """Say which groups are sparse, end before the horizon, or lost bootstrap draws."""
    if curves.labels["stratum"] or curves.labels["scenario"]:
        return
    adjusted = "" if curves.labels["adjusted"] == "no" else ", standardised"
    at = {int(t): k for k, t in enumerate(curves.times)}
    for g in curves.own:
        name = f"{curves.groups[g]}{adjusted}"
        if curves.sparse[g]:
            note = (
                f"fewer than ten losses or fewer than ten customers outlasting {spec.horizon} {spec.unit}s: the "
                "interval adds one customer, half lost by then, in the shape of all levels' hazard"
            )
            yield finding(curves.model, "sparse", name, float(curves.n_events[g]), None, note)
        if curves.last[g] < spec.horizon and np.isnan(curves.point[g, at[spec.horizon]]):
            note = f"nobody is at risk to {spec.horizon} {spec.unit}s: no row at the horizon"
            yield finding(curves.model, "last_period_at_risk", name, float(curves.last[g]), False, note)
        elif curves.emptied[g] > 0:
            note = (
                f"share of bootstrap draws with nobody at risk in a cell before {spec.horizon} {spec.unit}s: they are "
                "left out in those periods of that cell"
            )
            few = bool(curves.emptied[g] < MOST_EMPTIED)
            yield finding(curves.model, "draws_left_out", name, curves.emptied[g], few, note)


def spend_rows(cells: CellMeans, means: MeanSpend) -> Iterator[Row]:
    """Say which groups' means rest on one customer, or on nobody who spent."""
    for g in means.own:
        if means.n[g] == 1:
            note = "one customer with a complete window: its variance is that of customers elsewhere"
            yield finding("means", "one_customer", means.groups[g], 1.0, None, note)
    if cells.spent_nothing.any():
        note = "cells in which nobody spent; a group of only such cells has an interval from a Beta(1/2, n + 1/2)"
        yield finding("means", "spent_nothing", "", float(cells.spent_nothing.sum()), None, note)


def band_rows(counts: Counts) -> Iterator[Row]:
    """Name the bands that nobody is in."""
    spec = counts.spec
    present = {int(level) for level in counts.scored["score"]}
    for name, band in (("worst", spec.worst), ("best", spec.best)):
        if present and not present & set(band):
            note = f"nobody scored {label(band)}: its rows and contrasts are not written"
            yield finding("", "empty_band", name, 0.0, False, note)


def tidy(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Collect findings into a table; ``ok`` is true, false or empty."""
    table = pd.DataFrame(list(rows), columns=list(COLUMNS))
    table["ok"] = [None if ok is None or pd.isna(ok) else bool(ok) for ok in table["ok"]]
    table["ok"] = table["ok"].astype("boolean")
    table["value"] = table["value"].astype(float)
    return table.drop_duplicates(["model", "quantity", "group", "note"], ignore_index=True)
