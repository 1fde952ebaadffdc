"""What the report says of retention weighted for censoring: the numbers of the rows, and what is assumed."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from as_read import sentences

from cxlink import make_spec, read_cohort
from cxlink.checks import matching, once
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.estimands.headline import headline
from cxlink.estimands.tidy import tidy
from cxlink.report.content import Material, gather
from cxlink.report.language import whole
from cxlink.report.references import cited
from cxlink.report.sections.sensitivity_section import sensitivity_pages
from cxlink.results import Results
from cxlink.sensitivity.sensitivity_analyses import sensitivity_of_spells

SPEC: dict[str, Any] = {
    "score": {
        "column": "score", "scale": "1-5", "best": (4, 5),
        "others": {"csat": {"column": "csat", "scale": "1-5"}},
    },
    "subscription": {"duration": "months", "event": "left"}, "analysis": {"horizon": 6, "draws": 200},
}  # fmt: skip


@cache
def counts_of(kind: str = "recorded") -> Counts:
    """Customers of whom csat tells who leaves and who is censored; their follow-up by durations, or by dates."""
    rng = np.random.default_rng(4)
    score, csat = rng.integers(1, 6, 3000), rng.integers(1, 6, 3000)
    stay = rng.geometric(0.12 * np.exp(-0.2 * (score - 3) - 0.3 * (csat - 3)))
    end = rng.geometric(np.minimum(0.08 * np.exp(-0.4 * (csat - 3)), 0.9))
    end = np.minimum(end, 9)
    table = pd.DataFrame(
        {"score": score, "csat": csat, "months": np.minimum(stay, end), "left": (stay <= end) * 1}
    )
    table = table.assign(csat=table["csat"].astype("Int64").mask(table.index % 9 == 0), followed=end)
    tables = SPEC
    if kind == "followed":
        tables = {**SPEC, "subscription": {**SPEC["subscription"], "follow_up": "followed"}}
    if kind == "dated":
        start = pd.Timestamp("2024-01-01")
        table["asked"] = start
        table["until"] = [start + pd.DateOffset(months=int(m)) for m in end]
        table["gone"] = [
            start + pd.DateOffset(months=int(m)) if left else None
            for m, left in zip(table["months"], table["left"], strict=True)
        ]
        tables = {**SPEC, "subscription": {"survey": "asked", "end": "gone", "observed_until": "until"}}
    return read_cohort(table, make_spec(tables)).count()


def material(counts: Counts) -> Material:
    rows, found = headline(spells_of(counts), counts, np.random.default_rng(1))
    more, checks = sensitivity_of_spells(rows, spells_of(counts), counts)
    return gather(
        Results(
            counts=counts, estimates=tidy([*rows, *more]), checks=once([*found, *checks]), at_risk=pd.DataFrame(),
            projected=pd.DataFrame(), backtested=pd.DataFrame(),
        )
    )  # fmt: skip


def said(m: Material) -> str:
    return sentences(sensitivity_pages(m)).replace("\u202f%", " %")


def test_the_paragraph_has_the_numbers_of_the_rows_and_of_the_checks() -> None:
    m = material(counts_of())
    text = said(m)
    (row,) = m.book.where("retention_difference", scenario="censoring_weighted")
    plain = m.book.headline("retention_difference", "best", "worst")
    assert plain is not None
    weighted, unweighted = (f"{100 * one.estimate:.0f} points [" for one in (row, plain))
    assert f"a difference of {weighted}" in text
    assert f"without them the difference is {unweighted}" in text
    assert "uses what was recorded and is not adjusted for: csat." in text
    (ratio,) = matching(m.results.checks, code="censoring_score", case="point")
    assert (
        f"Per point of csat towards better, the hazard that follow-up ends is multiplied by {ratio.value:.2f}"
        in text
    )
    assert "For customers who did not give csat it is multiplied by" in text
    (size,) = matching(m.results.checks, code="censoring_weights", group="best")
    assert f"weigh as much as {whole(round(size.value))} of equal weight" in text
    assert "Weights over 10" not in text
    assert "no weight makes up for them" not in text
    assert "The counts hold no further variable" not in text
    assert "at every score, stratum and month" in text
    assert any("Robins, J. M. and Finkelstein" in one for one in cited([m]))


@pytest.mark.parametrize(("kind", "words"), [
    ("recorded", "The table does not say why follow-up ended"), ("followed", "Each customer's follow-up is recorded"),
    ("dated", "Follow-up ends where observation of the table ends"),
])  # fmt: skip
def test_the_end_of_follow_up_is_said_as_the_table_has_it(kind: str, words: str) -> None:
    text = said(material(counts_of(kind)))
    assert [words in text, text.count("follow-up ended, by the customer")] == [True, int(kind == "recorded")]


def test_truncated_weights_and_lacking_support_are_said() -> None:
    m = material(counts_of())
    checks = [
        replace(one, passed=False, facts={**one.facts, "largest": 12.34, "truncated": 0.02})
        if one.code == "censoring_weights"
        else replace(one, value=0.7, passed=False)
        if one.code == "censoring_support"
        else one
        for one in m.results.checks
    ]
    text = said(gather(replace(m.results, checks=tuple(checks))))
    assert "the largest weight is 12.3. Weights over 10 count as 10; that is so for 2 % of them." in text
    assert "Of those who gave 4–5, 30 % gave other scores of which nobody is followed to 6 months" in text


def test_where_there_are_no_weights_the_reason_stands() -> None:
    m = material(replace(counts_of(), follow_up=None))
    assert (
        "Retention is not weighted for censoring by the other scores: there are no counts of these customers"
        in said(m)
    )
    assert not any("Robins, J. M. and Finkelstein" in one for one in cited([m]))
    alone = make_spec({**SPEC, "score": {"column": "score", "scale": "1-5", "best": (4, 5)}})
    plain = material(replace(counts_of(), spec=alone, follow_up=None, drivers=None))
    assert "The counts hold no further variable by which" in said(plain)
