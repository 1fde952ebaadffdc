from dataclasses import replace

import made_up
import made_up_study
import numpy as np
import pandas as pd
import pytest
from as_read import cells, sentences, table

from cxlink.checks import Check
from cxlink.estimands.tidy import tidy
from cxlink.report.analysis_document import make_document
from cxlink.report.content import gather
from cxlink.report.document import code, strong
from cxlink.report.format import full
from cxlink.report.references import cited
from cxlink.report.sections import main_results as results
from cxlink.report.sections import score_tables as tables
from cxlink.report.sections.cohort_section import cohort_pages
from cxlink.report.sections.diagnostics_section import diagnostics_pages
from cxlink.report.sections.first_page import first_page
from cxlink.report.sections.limitations import limits
from cxlink.report.sections.retention_section import retention_pages
from cxlink.report.words import say

GIVEN = made_up.results()


def test_the_cohort_is_counted_from_its_cells() -> None:
    parts, scored = cohort_pages(gather(GIVEN)), GIVEN.counts.cells[GIVEN.counts.cells["score"].notna()]
    rows = cells(parts, "Follow-up and spend windows")
    n, complete = int(scored["n"].sum()), int(scored["spend_n"].sum())
    shown = {name: int(values[0].replace("\u202f", "").split()[0]) for name, values in rows.items()}
    assert shown["Lost during follow-up"] == int(scored.loc[scored["cause"] != "", "n"].sum())
    assert shown["Retained when last observed (censored)"] == int(
        scored.loc[scored["cause"] == "", "n"].sum()
    )
    assert shown["Customer-months of follow-up"] == int((scored["n"] * scored["exit"]).sum())
    assert shown["Complete spend windows of 12 months"] == complete
    assert shown["Spend windows incomplete, or spend unknown (not counted)"] == n - complete
    assert cells(parts, "Rows of the table")["Excluded: the score is off its scale"] == ["5"]


@pytest.mark.parametrize(
    ("exits", "median"), [([3, 9, 9], "9 months"), ([3, 4, 9], "4 months"), ([5, 5, 1], "5 months")]
)
def test_median_follow_up_is_of_customers_not_of_cells(exits: list[int], median: str) -> None:
    base = GIVEN.counts.cells[GIVEN.counts.cells["score"] == 5].iloc[[0, 0, 0]]
    still = base.assign(exit=exits, cause="", entry=0, n=[2, 2, 1])
    rows = cells(cohort_pages(gather(made_up.altered(GIVEN, cells=still))), "Follow-up")
    assert rows["Median follow-up of those retained"] == [median]


def test_contrasts_are_ordered_by_level_and_those_of_the_same_levels_stand_once() -> None:
    parts = tables.contrasts(gather(GIVEN), "retention", "kaplan_meier", 12, "x")
    assert [row[0] for row in parts[0].rows] == [
        "9–10 versus 1",
        *(f"{k} versus 1" for k in range(2, 11)),
    ]
    again = GIVEN.estimates.query("group == 'best' and reference == 'worst'").assign(
        reference="1", headline=False
    )
    twice = replace(GIVEN, estimates=pd.concat([GIVEN.estimates, again], ignore_index=True))
    assert len(tables.contrasts(gather(twice), "retention", "kaplan_meier", 12, "x")[0].rows) == 10


def test_other_time_origins_have_their_own_numbers() -> None:
    parts, rows = retention_pages(gather(GIVEN)), GIVEN.estimates
    shown = cells(parts, "Retention to 12 months under other time origins")
    for scenario, name in (
        ("lag=3", "From 3 months after the score"),
        ("from_signup", "From signup (biased)"),
    ):
        row = rows.query(f"scenario == '{scenario}' and group == 'worst'").iloc[0]
        assert shown[f"{name}, unadjusted"][1].startswith(f"{100 * row['estimate']:.1f} [")


def test_strata_and_reasons_are_set_out_and_all_scores_are_not_standardised() -> None:
    without = GIVEN.estimates[
        ~((GIVEN.estimates["group"] == "all") & (GIVEN.estimates["adjusted"] == "standardised"))
    ]
    parts = retention_pages(gather(replace(GIVEN, estimates=without)))
    assert list(cells(parts, "Retention after 12 months within strata")) == ["plan: basic", "plan: pro"]
    assert table(parts, "Retention after 12 months within strata").header[1] == "Customers (9–10 / 1)"
    assert list(cells(parts, "Cumulative incidence of leaving within 12 months")) == ["moved $a_b", "price"]
    by_score = table(parts, "Retention after 12 months by score")
    assert by_score.rows[-1][-1] == ""
    assert say("score_tables.own_mix") in by_score.notes


def test_diagnostics_put_failures_first_and_say_the_same_once() -> None:
    few = {"case": "curve", "adjusted": "no", "horizon": 12, "unit": "month"}
    share = {"case": "retention_scored", "adjusted": "no", "horizon": 12, "unit": "month"}
    checks = (
        Check("sparse", "kaplan_meier", "5", 6.0, facts=few),
        Check("sparse", "kaplan_meier", "2", 9.0, facts=few),
        Check("support", "kaplan_meier", "best", 0.97, passed=True, facts={**share, "reference": "worst"}),
        Check("one_customer", "x_y", value=0.2, passed=False),
        Check("aic", "weibull", value=10.5, facts={"adjusted": "no", "kind": "weibull", "parameters": 2}),
        Check("log_likelihood", "weibull", value=-4.25, facts={"adjusted": "no"}),
        Check("sparse", "kaplan_meier", "8", 3.0, facts={**few, "adjusted": "standardised"}),
        Check("support", "kaplan_meier", "9-10", 0.97, passed=True, facts={**share, "reference": "1"}),
        Check(
            "weight",
            "weibull",
            value=1.0,
            facts={"adjusted": "no", "average": "averaged_aic", "kind": "weibull"},
        ),
        Check("converged", "weibull", value=1e-9, passed=True, facts={"adjusted": "no", "case": "gradient"}),
    )
    small = made_up.results({"publish": {"smallest_cell": 700}}, checks=checks)
    parts = diagnostics_pages(gather(small))
    assert list(parts[1].runs) == [
        "1 of 6 checks failed; it is listed first. The fit of the families, their weights and extrapolation warnings "
        "are in the section on tenure; those of the unadjusted fits are in diagnostics.csv."
    ]
    assert [row[:5] for row in table(parts, "Checks.").rows] == [
        ["x y", "one customer", "", "0.200", "no"],
        ["Kaplan–Meier", "sparse, unadjusted", "score 5; score 2", "6; –", ""],
        ["Kaplan–Meier", "sparse, standardised", "score 8", "3", ""],
        ["Kaplan–Meier", "support, unadjusted", "scores 9–10 against score 1", "0.970", "yes"],
    ]
    assert len([part for part in parts if part.kind == "table"]) == 1


def test_diagnostics_name_strata_and_effects_in_words_and_cut_long_lines() -> None:
    said = {"adjusted": "no", "horizon": 12, "unit": "month", "case": "curve"}
    strata = [one.label for one in gather(GIVEN).categories.values()]
    checks = [
        Check("sparse", "kaplan_meier", value=k, facts={**said, "stratum": one})
        for k, one in enumerate(strata)
    ]
    long = [f"{name * 40}=x" for name in "abcdef"]
    checks += [
        Check("sparse", "quick", value=k, facts={**said, "stratum": one}) for k, one in enumerate(long)
    ]
    checks.append(
        Check("e_value", "kaplan_meier", "best", 2.0, facts={"reference": "worst", "case": "retained"})
    )
    rows = table(diagnostics_pages(gather(replace(GIVEN, checks=tuple(checks)))), "Checks.").rows
    shown = {row[1]: row[2] for row in rows if row[0] == "Kaplan–Meier"}
    assert shown["sparse, unadjusted"] == "; ".join(one.replace("=", ": ") for one in strata)
    assert shown["E-value"] == "scores 9–10 against score 1"
    (cut,) = (row[2] for row in rows if row[0] == "quick")
    assert cut == f"{long[0]}; … {long[-1]}"


@pytest.mark.parametrize(("window", "chained"), [(3, True), (12, False)])
def test_a_snapshot_says_that_nobody_was_followed_that_long(window: int, chained: bool) -> None:
    sub = {"duration": "months", "event": "churned", "window": window}
    m = gather(made_up.results({"subscription": sub, "spend": None}))
    for parts, kind in ((first_page(m), "notice"), (cohort_pages(m), "paragraph")):
        said = sentences(parts, kind)
        assert f"observed for at most the last {window} months." in said
        assert ("chains the losses of customers of different tenures" in said) is chained
        assert ("No customer was followed for 12 months." in said) is chained
    assert "snapshot" not in sentences(first_page(gather(GIVEN)), "notice")


def test_a_snapshot_without_a_day_of_the_score_says_that_the_loss_may_have_come_first() -> None:
    sub = {"duration": "months", "event": "churned", "window": 3}
    told = "The table does not say when the score was given: time after it is counted from the start of the last 3"
    for dates, said in (({}, True), ({"survey": "surveyed"}, False)):
        m = gather(made_up.results({"subscription": sub | dates, "spend": None}))
        assert any(limit.startswith(told) for limit in limits(m)) is said
    assert not any("does not say when" in limit for limit in limits(gather(GIVEN)))


def test_longest_follow_up_counts_from_entry() -> None:
    late = GIVEN.counts.cells.assign(entry=GIVEN.counts.cells["exit"] - 2)
    rows = cells(cohort_pages(gather(made_up.altered(GIVEN, cells=late))), "Follow-up")
    assert rows["Longest follow-up"] == ["2 months"]


def test_no_support_is_said_with_the_unadjusted_rows_that_exist() -> None:
    facts = {"reference": "worst", "adjusted": "standardised", "case": "spend_scored"}
    checks = tuple(
        Check("support", model, "best", 0.0, passed=False, facts=facts) for model in ("kaplan_meier", "means")
    )
    bare = GIVEN.estimates.query("adjusted == 'no'").assign(headline=False)
    m = gather(replace(GIVEN, estimates=bare.reset_index(drop=True), checks=checks))
    said = sentences(first_page(m))
    stayed, spent = (m.book.get(*key) for key in (
        ("retention", "best", "kaplan_meier", 12), ("spend", "best", "means")
    ))  # fmt: skip
    assert (
        "Retention after 12 months has no standardised estimate: there is no stratum of plan and region in which every "
        "level of 9–10 and 1 has customers at risk up to 12 months."
    ) in said
    assert f"After 12 months, {full(stayed)} of customers who gave 9–10" in said
    assert "has customers with a complete spend window. Customers who gave 9–10 spent" in said
    assert full(spent) in said
    items = next(part for part in first_page(m) if part.kind == "bullets").items
    assert not any("based on" in str(item) for item in items)


def test_scores_that_part_lost_from_kept_completely_are_remarked() -> None:
    rows = GIVEN.estimates.copy()
    best, worst = ((rows["group"] == band) & (rows["adjusted"] == "no") for band in ("best", "worst"))
    rows.loc[best, "n_events"] = 0
    assert not any("were lost, and none" in text for text in limits(gather(replace(GIVEN, estimates=rows))))
    rows.loc[worst, "n_events"] = rows.loc[worst, "n"]
    said = " ".join(limits(gather(replace(GIVEN, estimates=rows))))
    assert (
        "All 1\u202f210 customers who gave 1 were lost, and none of the 9\u202f300 customers who gave 9–10."
        in said
    )


def test_strata_stand_in_the_order_of_their_cuts() -> None:
    adjust = {"columns": ("size",), "bands": {"age": (3.0, 12.0, 24.0)}}
    given = made_up.results({"adjust": adjust})
    one = given.estimates.query(
        "stratum == 'plan=basic' and estimand == 'retention' and group == 'best' and horizon == 12",
        engine="python",  # whatever else is installed
    )
    names = ["age=(missing)", "age=12-<24", "age=3-<12", "age=<3", "age=>=24", "size=(missing)", "size=100-250",
             "size=50-100", "size=self-employed"]  # fmt: skip
    rows = pd.concat([one.assign(stratum=name) for name in names], ignore_index=True)
    ages, sizes = (
        ["(missing)", "12-<24", "3-<12", "<3", ">=24"],
        ["(missing)", "100-250", "50-100", "self-employed"],
    )
    n = len(given.counts.cells)
    both = {"stratum.age": np.resize(ages, n), "stratum.size": np.resize(sizes, n)}
    given = made_up.altered(given, cells=given.counts.cells.assign(**both), estimates=rows)
    shown = tables.strata(gather(given), "retention", "kaplan_meier", 12, "x")
    assert [row[0] for row in shown[0].rows] == [
        "size: 50-100", "size: 100-250", "size: self-employed", "size: (missing)",
        "age: <3", "age: 3-<12", "age: 12-<24", "age: >=24", "age: (missing)",
    ]  # fmt: skip


def test_a_long_command_breaks_before_options_only() -> None:
    command = "cxlink fit t.csv --score 'a --b c' --adjust \"Plan Name\" --duration 'Tenure in Months' --event churned"
    assert list(code(command).lines) == [
        "cxlink fit t.csv --score 'a --b c' --adjust \"Plan Name\" \\",
        "    --duration 'Tenure in Months' --event churned",
    ]
    assert code("cxlink reproduce").lines == ("cxlink reproduce",)


def test_references_are_those_that_apply_in_the_order_of_the_alphabet() -> None:
    spend_only = cited([gather(made_up.results({"subscription": None}))])
    assert not any(text.startswith(("Kaplan", "Suissa", "Bolton", "Prentice")) for text in spend_only)
    study = made_up_study.study()
    both = cited([gather(one) for one in (study.subscription, study.transaction)])
    assert both == sorted(both, key=str.casefold)
    assert len(both) == len(set(both))


def test_every_source_that_the_methods_of_expected_tenure_name_is_listed() -> None:
    listed = cited([gather(GIVEN)])
    assert all(any(text.startswith(name) for text in listed) for name in ("Wood", "Yao"))


def test_a_ratio_without_an_upper_end_is_explained_below_its_table() -> None:
    rows = GIVEN.estimates.copy()
    rows.loc[(rows["estimand"] == "retention_ratio") & (rows["group"] == "10"), "estimate"] = np.inf
    for given, explained in ((GIVEN, False), (replace(GIVEN, estimates=rows), True)):
        notes = tables.contrasts(gather(given), "retention", "kaplan_meier", 12, "x")[0].notes
        assert (say("score_tables.no_end") in notes) is explained


def test_a_difference_whose_interval_holds_none_is_said_not_to_distinguish_the_two() -> None:
    rows = GIVEN.estimates.copy()
    mine = (rows["estimand"] == "retention_difference") & rows["headline"]
    rows.loc[mine, ["conf_low", "conf_high"]] = [-0.01, 0.5]
    for given, apart in ((GIVEN, True), (replace(GIVEN, estimates=rows), False)):
        said = "".join(run if isinstance(run, str) else run.text for run in results.retention(gather(given)))
        assert (say("results.not_distinguished") not in said) is apart


@pytest.mark.long
def test_where_every_level_is_too_small_no_empty_picture_stands() -> None:
    given = made_up.results({"publish": {"smallest_cell": 6000}})
    rows, levels = given.estimates.copy(), [str(level) for level in made_up.N]
    small = rows["group"].isin(["worst", *levels]) | (rows["reference"] == "worst")
    rows.loc[small, ["estimate", "conf_low", "conf_high"]] = np.nan
    parts = make_document(replace(given, estimates=rows)).blocks
    assert {part.name for part in parts if part.kind == "figure"} == {
        "retention-curves", "tenure-checks", "tenure-ladder", "tenure-families",
    }  # fmt: skip
    assert not any(getattr(part, "caption", "").endswith("compared") for part in parts)
    said = [part.runs[0] for part in parts if part.kind == "notice"]
    assert said[0].startswith("Fewer than 6\u202f000 customers gave 1: their figures are left blank.")


@pytest.mark.long
def test_one_customer_is_one_customer() -> None:
    one = GIVEN.counts.cells[GIVEN.counts.cells["score"] == 9].iloc[:1].assign(n=1)
    first = make_document(made_up.altered(GIVEN, cells=one)).blocks[0]
    assert first.runs[0] == strong("1 customer")


@pytest.mark.long
def test_a_long_scale_has_ticks_apart_and_pictures_told_by_their_ends() -> None:
    rows = [
        {"estimand": "retention", "model": "kaplan_meier", "group": str(k), "horizon": 12, "adjusted": "no",
         "estimate": 0.5 + k / 400, "conf_low": 0.4, "conf_high": 0.9, "unit": "probability", "n": 50}
        for k in range(101)
    ]  # fmt: skip
    given = made_up.results({"score": {"column": "s", "scale": "0-100"}, "spend": None})
    cells_ = pd.concat([given.counts.cells.iloc[:1].assign(score=k) for k in range(101)]).astype(
        {"score": "Int64"}
    )
    parts = make_document(made_up.altered(given, estimates=tidy(rows), cells=cells_)).blocks
    picture = next(part for part in parts if getattr(part, "name", "") == "retention-by-score")
    assert picture.alt.endswith("0: 50\u202f%; 100: 75\u202f%")
