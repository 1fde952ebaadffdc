"""Scales, and sets of levels written as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.scales import Scale, label, parse_levels, parse_scale


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("1-10", 1, 10), ("0-10", 0, 10), (" 1 - 5 ", 1, 5), ("-5-5", -5, 5), ("-3--1", -3, -1)],
)
def test_a_scale_has_two_ends(text: str, low: int, high: int) -> None:
    assert parse_scale(text) == Scale(low, high)


@pytest.mark.parametrize(
    "text", ["10", "10-1", "3-3", "1-", "one-ten", "1-10-20", "0-101", "1.5-3", "", "1-9999999999999"]
)
def test_what_is_no_scale_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"\[score\] scale .* such as 1-10"):
        parse_scale(text)


@pytest.mark.parametrize(
    ("text", "higher_is_better", "worst", "best"),
    [
        ("1-10", True, (1,), (9, 10)),
        ("0-10", True, (0, 1, 2, 3, 4, 5, 6), (9, 10)),
        ("1-5", True, (1,), (5,)),
        ("1-4", True, (1,), (4,)),
        ("0-1", True, (0,), (1,)),
        ("1-5", False, (5,), (1,)),
        ("1-4", False, (4,), (1,)),
    ],
)
def test_default_bands(
    text: str, higher_is_better: bool, worst: tuple[int, ...], best: tuple[int, ...]
) -> None:
    scale = parse_scale(text, higher_is_better)
    assert scale.worst() == worst
    assert scale.best() == best


def test_levels_run_from_the_worst_to_the_best() -> None:
    assert parse_scale("1-4").levels == (1, 2, 3, 4)
    assert parse_scale("1-4", higher_is_better=False).levels == (4, 3, 2, 1)


@pytest.mark.parametrize(
    ("given", "levels"),
    [
        ("7", (7,)),
        (7, (7,)),
        ("9-10", (9, 10)),
        ("3,1", (1, 3)),
        ("1-3, 5", (1, 2, 3, 5)),
        ([10, 9, 9], (9, 10)),
        ("-2--1", (-2, -1)),
    ],
)
def test_sets_of_levels(given: object, levels: tuple[int, ...]) -> None:
    assert parse_levels(given) == levels


@pytest.mark.parametrize(
    "given",
    ["", "high", "3-1", "1;2", "1.5", 1.5, [1, "a"], [1, 2.5], [True], True, None, {}, "1-999999999", "1-"],
)
def test_what_is_no_set_of_levels_is_refused(given: object) -> None:
    with pytest.raises(InputError, match=r"is not a set of score levels\. Write 7, 9-10 or 1,3"):
        parse_levels(given)


@given(st.sets(st.integers(-20, 100), min_size=1))
def test_a_label_reads_back(levels: set[int]) -> None:
    assert parse_levels(label(levels)) == tuple(sorted(levels))


def test_labels_are_short() -> None:
    assert label([3, 1, 2]) == "1-3"
    assert label([1, 3]) == "1,3"
    assert label([7]) == "7"
