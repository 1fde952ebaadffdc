import math
from dataclasses import replace

import made_up
import numpy as np
import pytest

from cxlink.cohort.count.profile import Remark
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.estimands.tidy import tidy
from cxlink.report import format as wording
from cxlink.report.estimates_lookup import Estimate, open_book
from cxlink.report.profile_words import profile_notes

THIN = "\u202f"


def estimate(
    estimand: str, value: float, low: float, high: float, unit: str, *, reference: str = ""
) -> Estimate:
    columns = {
        "estimate": value,
        "conf_low": low,
        "conf_high": high,
        "model": "x",
        "group": "best",
        "reference": reference,
        "unit": unit,
    }
    return next(iter(open_book(tidy([{"estimand": estimand, **columns}])).by_key.values()))


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (estimate("retention", 0.7412, 0.72, 0.76, "probability"), f"74{THIN}% [72, 76]"),
        (estimate("retention", 0.7412, 0.736, 0.7456, "probability"), f"74.1{THIN}% [73.6, 74.6]"),
        (estimate("retention_difference", 0.31, 0.271, 0.349, "probability", reference="worst"), "31 points [27, 35]"),
        (
            estimate("retention_difference", -0.31, -0.349, -0.271, "probability", reference="worst"),
            "−31 points [−35, −27]",
        ),
        (estimate("retention_ratio", 1.7209, 1.66, 1.78, "ratio", reference="worst"), "1.72 [1.66, 1.78]"),
        # of an intervention: two groups, and no difference
        (estimate("break_even_probability", 0.59, np.nan, np.nan, "probability", reference="1"), f"59{THIN}%"),
        (estimate("tenure", 18.34, 17.0, 19.96, "month"), "18 months [17, 20]"),
        (estimate("tenure", 18.34, 17.6, 19.1, "month"), "18.3 months [17.6, 19.1]"),
        (estimate("tenure", 0.9, 0.2, 3.3, "month"), "1 month [0, 3]"),
        (estimate("tenure_difference", 0.5, -0.6, 1.6, "month", reference="worst"), "0.5 months [−0.6, 1.6]"),
        (estimate("tenure_difference", 0.5, -1.0, 2.0, "month", reference="worst"), "0.5 months [−1.0, 2.0]"),
        (estimate("tenure_difference", 0.4, -1.0, 2.0, "month", reference="worst"), "0.4 months [−1.0, 2.0]"),
        (estimate("tenure_difference", 0.04, -1.0, 2.0, "month", reference="worst"), "0 months [−1, 2]"),
        (estimate("tenure_difference", 1.4, -1.0, 4.0, "month", reference="worst"), "1 month [−1, 4]"),
        (estimate("spend", 1234.4, 1199.6, 1270.2, "EUR"), f"EUR{THIN}1{THIN}234 [1{THIN}200, 1{THIN}270]"),
        (estimate("spend", 12.346, 11.0, 13.0, "EUR"), f"EUR{THIN}12 [11, 13]"),
        (estimate("tenure_mean", np.inf, 40.0, np.inf, "month"), "not estimable (at least 40 months)"),
        (estimate("tenure_mean", np.inf, np.inf, np.inf, "month"), "not estimable"),
        (estimate("retention", np.nan, np.nan, np.nan, "probability"), "–"),
        (estimate("retention", 0.5, np.nan, np.nan, "probability"), f"50{THIN}%"),
        (estimate("retention", 1.0, 0.9, 1.0, "probability"), f"100{THIN}% (at least 90{THIN}%)"),
        (estimate("retention", 0.0, 0.0, 0.013, "probability"), f"0{THIN}% (at most 1.3{THIN}%)"),
        (estimate("retention_ratio", 3.2, 1.04, 9.5, "ratio"), "3.20 [1.04, 9.50]"),
        (estimate("retention_ratio", 30.4, 6.1, 284, "ratio"), "30 [6, 284]"),
        (estimate("retention", 0.999, 0.97, 0.9999, "probability"), f">99{THIN}% [97, >99]"),
        (estimate("retention", 0.99999, 0.985, 0.99999, "probability"), f">99.9{THIN}% [98.5, >99.9]"),
        (estimate("retention", 0.0004, 0.0001, 0.003, "probability"), f"<0.1{THIN}% [<0.1, 0.3]"),
        (estimate("retention", 0.74123, 0.7405, 0.742, "probability"), f"74.12{THIN}% [74.05, 74.20]"),
    ],
)  # fmt: skip
def test_estimates_are_written_in_their_unit_as_finely_as_the_interval_allows(
    row: Estimate, text: str
) -> None:
    assert wording.full(row).replace(",\u00a0", ", ") == text


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (
            estimate("retention_difference", 0.011, -0.16, 0.19, "probability", reference="worst"),
            "1 point [−16, 19]",
        ),
        (
            estimate("retention_difference", -0.011, -0.19, 0.16, "probability", reference="worst"),
            "−1 point [−19, 16]",
        ),
        (
            estimate("retention_difference", 0.01, 0.005, 0.015, "probability", reference="worst"),
            "1.0 points [0.5, 1.5]",
        ),
        (
            estimate("retention_difference", 0.02, -0.16, 0.19, "probability", reference="worst"),
            "2 points [−16, 19]",
        ),
        (estimate("tenure_difference", -1.1, -4, 3, "month", reference="worst"), "−1 month [−4, 3]"),
        (estimate("tenure_difference", 0.0, -4, 3, "month", reference="worst"), "0 months [−4, 3]"),
    ],
)
def test_a_unit_is_in_the_plural_form_of_the_number_as_it_is_written(row: Estimate, text: str) -> None:
    assert wording.full(row).replace(",\u00a0", ", ") == text


@pytest.mark.parametrize(
    ("remark", "text"),
    [
        (Remark("unconfirmed_gap_days", facts={"key": "", "value": "1", "unit": "day"}), "within 1 day is"),
        (
            Remark("unconfirmed_gap_days", facts={"key": "", "value": "30", "unit": "day"}),
            "within 30 days is",
        ),
        (
            Remark("unconfirmed_window_name", facts={"column": "x", "months": 1, "named": 3}),
            "over 1 month, but its name says 3",
        ),
        (
            Remark("spans", 9, {"customers": 4, "subscriptions": 4, "days": 1, "bridged": 2}),
            "Spans at most 1 day apart",
        ),
    ],
)
def test_a_note_has_the_plural_form_of_its_number(remark: Remark, text: str) -> None:
    counts = made_up.results().counts
    noted = replace(counts, profile=replace(counts.profile, notes=(remark,)))
    assert text in profile_notes(noted)[0]


def test_estimates_that_stand_together_share_the_decimals_of_the_finest() -> None:
    coarse, fine = (estimate("retention", 0.5, 0.5 - w, 0.5 + w, "probability") for w in (0.05, 0.005))
    assert wording.shared_digits([coarse, None, fine]) == 1
    narrow, wide = (estimate("spend", 50.0, 50 - w, 50 + w, "EUR") for w in (0.1, 1.0))
    assert wording.shared_digits([narrow]) == wording.shared_digits([narrow, wide]) == 1
    assert wording.shared_digits([wide]) == 0


def test_groups_and_their_difference_have_decimals_that_can_be_subtracted() -> None:
    best, worst, coarse = (
        estimate("tenure", point, point - w, point + w, "month")
        for point, w in ((10.6, 0.3), (7.2, 1.4), (5.2, 14.0))
    )
    difference = estimate("tenure_difference", 3.4, 2.0, 4.8, "month")
    found = {"group": best, "reference": worst, "difference": difference, "ratio": None}
    assert wording.full(worst).startswith("7 months")
    said = [wording.full_beside(found[name], found) for name in ("group", "reference", "difference")]
    assert [text.split(" ")[0] for text in said] == ["10.6", "7.2", "3.4"]
    # a hundredth beside an interval of ten months is not known to anybody
    exact = estimate("tenure", 10.61, 10.605, 10.615, "month")
    assert wording.full_beside(coarse, {"group": exact, "reference": coarse}).startswith("5.2 months")


def test_whole_numbers_are_grouped_thinly_and_none_is_a_dash() -> None:
    assert wording.whole(1234567) == f"1{THIN}234{THIN}567"
    assert wording.whole(-12) == "−12"
    assert wording.whole(None) == wording.whole(math.nan) == "–"
    assert wording.decimal(-0.004, 2) == "0.00"


def test_groups_are_written_as_scores() -> None:
    spec = make_spec({"score": {"column": "s", "scale": "1-10"}, "spend": {"column": "x", "complete": True}})
    assert wording.score("best", spec) == "scores 9–10"
    assert wording.score("worst", spec) == wording.score("1", spec) == "score 1"
    assert wording.score("1,3", spec) == "scores 1, 3"
    assert wording.who("all", spec) == "all customers with a score"
    below = make_spec({"score": {"column": "s", "scale": "-3-3"}, "spend": {"column": "x", "complete": True}})
    assert wording.score("worst", below) == "score −3"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('#panic("x")', '#panic("x")'),
        ("$a_b * _c_ <d> @e \\f", "$a_b * _c_ <d> @e \\f"),
        ("Zürich Ωмега ∞", "Zürich Ωмега ∞"),
        ("a\nb\tc", "a b c"),
        ("\x00\u202egnp\ue000", "[U+0000][U+202E]gnp[U+E000]"),
        ("東", "[U+6771]"),
        ("\ud800", "[U+D800]"),
    ],
)
def test_what_no_font_can_show_is_named_and_all_else_stays(text: str, shown: str) -> None:
    assert wording.printable(text) == shown


def test_long_texts_are_cut() -> None:
    assert wording.shortened("x" * 60) == "x" * 60
    assert wording.shortened("x" * 61) == "x" * 59 + "…"


def test_lists_are_written_in_words() -> None:
    assert [wording.listed(list("abc"[:n])) for n in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_ranges_below_zero_are_written_with_to() -> None:
    score = {"column": "s", "scale": "-3-3", "worst": "-3--1"}
    spec = make_spec({"score": score, "spend": {"column": "x", "complete": True}})
    assert wording.score("worst", spec) == "scores −3 to −1"


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (estimate("retention", 1.0, 0.9974, 1.0, "probability"), "100 [≥ 99.7]"),
        (estimate("retention", 1.0, 0.991, 1.0, "probability"), "100 [≥ 99]"),
        (estimate("retention", 0.0, 0.0, 0.0031, "probability"), "0 [≤ 0.3]"),
        (estimate("retention", 0.0, 0.0, 0.33, "probability"), "0 [≤ 33]"),
    ],
)
def test_a_limit_beside_shared_decimals_is_not_what_it_bounds(row: Estimate, text: str) -> None:
    assert wording.bare(row, 0).replace("\u00a0", " ").replace(THIN, " ").replace("\u2060", "") == text
