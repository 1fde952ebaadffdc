"""Lines on a terminal: the headline as page one has it, and notes that publish nothing of a small group."""

from dataclasses import replace

import made_up

from cxlink.checks import Check
from cxlink.cli.closing_lines import closing_lines


def _noted(check: Check) -> list[str]:
    found = replace(made_up.results(), checks=(check,))
    return [line for line in closing_lines(found) if "common support" in line]


def test_a_failed_support_check_is_a_note_with_the_share() -> None:
    facts = {"reference": "worst", "adjusted": "standardised"}
    check = Check("support", "kaplan_meier", "best", 0.614, bound=0.9, passed=False, facts=facts)
    assert _noted(check) == [
        "note: Kaplan–Meier, best against worst: only 61 % of all customers with a score are in strata with common "
        "support"
    ]
    assert not _noted(replace(check, passed=True))


def test_the_share_of_a_small_group_is_blank_and_no_number() -> None:
    check = Check("support", "means", "1", bound=0.9, passed=False, facts={"blank": True})
    assert _noted(check) == [
        "note: means, 1: fewer than 90 % of all customers with a score are in strata with common support; the share is "
        "left blank, since a group is small"
    ]


def test_the_headline_is_a_table_without_thin_spaces() -> None:
    lines = closing_lines(made_up.results())
    assert lines[1] == "Retention after 12 months"
    assert lines[2].startswith("  scores 9–10 ")
    assert not any("\u202f" in line or "\u00a0" in line for line in lines)


def test_a_customer_who_spent_most_is_a_note() -> None:
    facts = {"share": 0.99, "adjusted": "no", "stratum": "", "scenario": ""}
    check = Check("spend_concentration", "means", "worst", 0.998, bound=0.5, passed=False, facts=facts)
    lines = closing_lines(replace(made_up.results(), checks=(check,)))
    assert any(
        line.startswith("note: One customer accounts for at least 99 % of the mean spend") for line in lines
    )
    blank = replace(check, value=float("nan"), facts={**facts, "blank": True})
    assert not any(
        "One customer" in line for line in closing_lines(replace(made_up.results(), checks=(blank,)))
    )


def test_that_an_additive_model_took_over_is_said_where_it_did() -> None:
    few = Check("customers_per_stratum", "means", "worst", 17.0, bound=20.0, passed=False)
    scattered = Check("buckets_per_group", "means", "best", 9.0, bound=10.0, passed=False)
    for took_over in (True, False):
        after = Check("takes_over", "poisson" if took_over else "grouped_ph", "best", 1.0)
        found = replace(made_up.results(), checks=(few, scattered, after))
        notes = [line for line in closing_lines(found) if "below" in line]
        assert len(notes) == 2
        assert all(
            line.endswith("the additive model is used for the main results") == took_over for line in notes
        )
        assert all(line.endswith("and no additive model was fitted") != took_over for line in notes)
