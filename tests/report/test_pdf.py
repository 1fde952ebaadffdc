import io
import re
from dataclasses import replace
from pathlib import Path

import made_up
import numpy as np
import pandas as pd
import pytest
from as_read import ordinary, pages, squeezed, study
from pypdf import PdfReader

from cxlink.checks import Check
from cxlink.cohort.count.profile import Remark
from cxlink.cohort.strata import Category, stratum_column
from cxlink.estimands.tidy import KEY
from cxlink.report.analysis_document import make_document
from cxlink.report.document import Document
from cxlink.report.estimates_lookup import open_book
from cxlink.report.format import full, full_beside
from cxlink.report.render_typst import compile_pdf
from cxlink.report.report_files import write_document

HOSTILE = ['#panic("x")', "$a_b", "*bold* _it_ <tag> @ref", "\\u{202e} `raw` ~ -- // /* */", "a]b[c{d}"]
THIN = Check(
    "support", "kaplan_meier", "best", 0.62, bound=0.9, passed=False,
    facts={
        "case": "retention_scored", "reference": "worst", "adjusted": "standardised", "horizon": 12, "unit": "month",
    },
)  # fmt: skip
CAUSAL = re.compile(
    r"\b(rais|increas|boost|driv|improv|reduc|lower|lift|prevent)(e|es|ed|ing)?\b|\bcaus(es|ed|ing)\b|\bleads? to\b"
    r"|\bimpacts?\b|\beffects?\b|\bmakes? customers\b|\bdue to\b|\bthanks to\b",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def document() -> Document:
    """The report of a cohort with its pictures."""
    return make_document(made_up.results())


@pytest.mark.long
def test_the_folder_gets_the_pdf_and_its_figures_and_the_same_bytes_come_twice(
    document: Document, tmp_path: Path
) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder, made in zip(folders, (document, make_document(made_up.results())), strict=True):
        folder.mkdir()
        write_document(made, folder, ("pdf", "html"))
    files = sorted(path.relative_to(folders[0]) for path in folders[0].rglob("*") if path.is_file())
    assert [str(file) for file in files] == [
        "figures/overview.svg", "figures/retention-by-score.svg", "figures/retention-curves.svg",
        "figures/retention-score-curves.svg",
        "figures/scores.svg", "figures/spend-by-score.svg", "figures/tenure-checks.svg", "figures/tenure-families.svg",
        "figures/tenure-ladder.svg", "report.html", "report.pdf",
    ]  # fmt: skip
    for file in files:
        assert (folders[0] / file).read_bytes() == (folders[1] / file).read_bytes(), file


def test_it_is_tagged_pdf_ua_with_title_language_and_alternative_texts(document: Document) -> None:
    reader = PdfReader(io.BytesIO(compile_pdf(document)))
    root = reader.trailer["/Root"]
    assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_object().get_data()
    assert root["/Lang"] == "en-GB"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert reader.metadata is not None
    assert reader.metadata.title == "Customer experience and what followed: saas-2019"
    assert "/CreationDate" not in reader.metadata
    figures = [part for part in document.blocks if part.kind == "figure"]
    assert len(figures) == 9
    assert all(len(part.alt) > 20 and part.svg.count("<path") > 20 for part in figures)


@pytest.mark.long
def test_page_one_holds_the_headline_rows_with_their_intervals() -> None:
    given, first = made_up.results(), squeezed(ordinary()[0])
    book = open_book(given.estimates)
    for estimand in ("retention", "spend", "tenure"):
        asked = (("best", "", ""), ("worst", "", ""), ("best", "worst", "_difference"))
        found = {one: book.headline(estimand + one[2], *one[:2]) for one in asked}
        for one, row in found.items():
            assert row is not None
            assert row.adjusted == "standardised"
            assert squeezed(full_beside(row, {"".join(one): row for one, row in found.items()})) in first, one
        ratio = book.headline(f"{estimand}_ratio", "best", "worst")
        assert squeezed(full(ratio)) in first
    assert squeezed("standardised to the mix of plan and region among all customers with a score") in first
    everybody, unscored = (
        int(given.counts.cells.loc[rows, "n"].sum())
        for rows in (slice(None), given.counts.cells["score"].isna())
    )
    assert f"{unscored}of{everybody}customershavenoscore(response77%)" in first
    assert squeezed("42 customers were lost at duration 0, counted as losses in the first month.") in first
    assert squeezed("The figures are associations") in first


@pytest.mark.long
def test_page_one_follows_the_first_contrast_asked_for() -> None:
    given = made_up.results({"analysis": {"contrasts": ("best:worst",), "level": 0.9}})
    assert "90 % confidence intervals" in pages(given)[0]
    none = made_up.results({"analysis": {"contrasts": ("10:1-3", "best:worst")}})
    first = pages(none)[0]
    assert "Retention after 12 months has no standardised estimate for customers who gave 10 and" in first


@pytest.mark.long
def test_no_sentence_claims_a_cause() -> None:
    for text in (" ".join(ordinary()), " ".join(study())):
        ours = text[
            : re.search(r"References \W*Bolton", text).start()
        ]  # what others called their articles is theirs
        found = CAUSAL.search(ours)
        assert found is None, ours[max(found.start() - 60, 0) : found.end() + 60]


@pytest.mark.long
def test_simulated_is_on_every_page_and_only_where_it_is_true() -> None:
    assert all(
        "simulated" in text
        for text in pages(made_up.results({"cohort": {"name": "saas-2019", "simulated": True}}))
    )
    assert all("simulated" in text for text in study())
    assert not any("simulated" in text for text in ordinary())


@pytest.mark.long
def test_texts_of_the_table_print_as_themselves() -> None:
    plan, region, cause, currency, name = HOSTILE
    given = made_up.results({
        "cohort": {"name": name},
        "adjust": {"columns": (plan, region)},
        "spend": {"column": "s", "complete": True, "currency": currency},
    })  # fmt: skip
    estimates = given.estimates.copy()
    category = Category(plan, region)
    estimates["stratum"] = estimates["stratum"].replace({"plan=basic": category.label})
    cells = given.counts.cells.assign(**{stratum_column(plan): region})
    estimates["cause"] = estimates["cause"].replace({"price": cause})
    estimates["unit"] = estimates["unit"].replace({"EUR": currency})
    notes = tuple(Remark("as_written", 1, {"text": f"Note on {text}."}) for text in HOSTILE)
    dropped = (Remark("invalid", 3, {"rule": region}),)
    profile = replace(given.profile, table=plan, dropped=dropped, notes=notes)
    checks = tuple(replace(check, group=plan) for check in given.checks)
    given = made_up.altered(given, cells=cells, estimates=estimates, profile=profile, checks=checks)
    text = squeezed(" ".join(pages(given, f"cxlink fit {region}")))
    for hostile in HOSTILE:
        assert squeezed(hostile) in text, hostile
    assert squeezed(f"{plan}: {region}") in text


@pytest.mark.long
def test_what_no_font_holds_and_what_turns_text_round_is_named() -> None:
    given = made_up.results({"cohort": {"name": "東 \x07 \u202e"}})
    assert "[U+6771] [U+0007] [U+202E]" in pages(given)[0]


@pytest.mark.long
def test_a_cohort_with_spend_only_and_one_without_spend_read_well() -> None:
    given = made_up.results({"subscription": None})
    spend_only = " ".join(pages(replace(given, checks=())))
    for absent in ("Retention", "Tenure", "Kaplan", "mmortal", "left within", "horizon"):
        assert absent not in spend_only, absent
    stays_only = " ".join(pages(made_up.results({"spend": None})))
    for absent in ("Spend", "spend", "EUR"):
        assert absent not in stays_only, absent


@pytest.mark.long
def test_an_empty_band_is_named_with_the_worst_level_that_has_customers() -> None:
    given = made_up.results()
    nobody = given.counts.cells["score"].isin([1, 2]).fillna(False)
    gone = given.estimates["group"].isin(["worst", "1", "2"]) | (given.estimates["reference"] == "worst")
    rows = given.estimates[~gone].reset_index(drop=True)
    text = pages(made_up.altered(given, estimates=rows, cells=given.counts.cells[~nobody]))
    assert "No customer gave 1, so there is no worst band and nothing is compared with it." in text[0]
    row = open_book(rows).get("retention", "3", "kaplan_meier", 12)
    worst = (
        f"The worst score that has customers is 3 (770 customers, of whom {full(row)} were retained after 12"
    )
    assert squeezed(worst) in squeezed(text[0])
    assert "No customer gave 1, 2." in " ".join(text)
    assert re.search(r"\bDifference\b", text[0]) is None


def test_follow_up_short_of_the_horizon_is_said_with_what_is_known() -> None:
    given = made_up.results()
    rows = given.estimates
    short = rows[~(rows["estimand"].str.startswith("retention") & (rows["horizon"] > 9))]
    short = short[~short["estimand"].str.startswith("retention_")].reset_index(drop=True)
    first = pages(replace(given, estimates=short))[0]
    assert "No customer was followed for 12 months, so retention at that time is not estimated." in first
    row = open_book(short).get("retention", "best", "kaplan_meier", 9)
    assert squeezed(f"After 9 months, {full(row)} of customers who gave 9–10") in squeezed(first)


@pytest.mark.long
def test_small_groups_are_left_blank_everywhere() -> None:
    given = made_up.results({"publish": {"smallest_cell": 700}})
    hidden = given.estimates.copy()
    hidden.loc[hidden["group"] == "2", ["estimate", "std_error", "conf_low", "conf_high"]] = np.nan
    hidden.loc[hidden["group"] == "2", ["n", "n_events"]] = pd.NA
    text = " ".join(pages(replace(given, estimates=hidden)))
    assert "Groups with fewer than 700 customers are left blank (–)." in text
    assert "left blank because fewer than 700 customers contribute" in text
    assert "645" not in text
    assert " 2 – – – –" in text


@pytest.mark.long
def test_infinite_means_are_more_than_can_be_estimated() -> None:
    text = " ".join(ordinary())
    assert "not estimable" in text
    assert "∞: not estimable; the curve falls so slowly" in text


def test_thin_support_is_said_on_page_one_for_the_headline_contrast_only() -> None:
    given = made_up.results()
    given = replace(given, checks=(THIN, replace(THIN, model="means", group="9", value=0.5, passed=None)))
    first = pages(given)[0]
    assert "Standardised retention is based on 62.0 % of the customers" in first
    assert "50.0 %" not in first


@pytest.mark.long
def test_page_one_says_which_model_took_the_headline_over_and_for_whom() -> None:
    given = made_up.results()
    by = {name: fact for name, fact in THIN.facts.items() if name != "case"}
    followed = replace(THIN, code="followed", model="grouped_ph", value=0.85, passed=None, facts=by)
    unadjusted = replace(followed, value=0.7, facts={**by, "adjusted": "no"})
    estimates = given.estimates.copy()
    estimates.loc[estimates["headline"] & estimates["estimand"].str.startswith("retention"), "model"] = (
        "grouped_ph"
    )
    nonparametric = given.estimates[given.estimates["headline"]].assign(headline=False)
    estimates = pd.concat([estimates, nonparametric], ignore_index=True).drop_duplicates(list(KEY))
    given = replace(given, estimates=estimates, checks=(THIN, followed, unadjusted))
    first = pages(given)[0]
    assert "Only 62.0 % of the customers are in strata with common support for retention" in first
    said = (
        "The main results therefore come from a proportional-hazards model (of the 85.0 % whose follow-up reaches that "
        "far), which assumes the same relative difference between scores in every stratum."
    )
    assert squeezed(said) in squeezed(first)
    assert "based on 62.0 %" not in first
    assert squeezed("For the customers with common support alone Kaplan–Meier gives") in squeezed(first)
    nobody = replace(given, checks=(replace(THIN, value=0.0), followed, unadjusted))
    assert squeezed("No customer is in a stratum with common support for retention") in squeezed(
        pages(nobody)[0]
    )
    score = given.spec.score.model_copy(update={"effect": "linear"})
    straight = " ".join(pages(made_up.altered(given, spec=given.spec.model_copy(update={"score": score}))))
    asked = "in every stratum, and a linear trend, as the specification asks."
    assert squeezed(asked) in squeezed(straight)
    assert squeezed("but in the models, where the specification asks for a linear trend") in squeezed(
        straight
    )
    assert squeezed("no linear trend is assumed") not in squeezed(straight)


@pytest.mark.parametrize(("case", "gain", "said"), [
    ("by_stratum_fading", 20.0, True), ("by_stratum_lasting", 7.0, False), ("additive_fading", 20.0, False),
])  # fmt: skip
def test_page_one_says_where_the_counts_speak_against_the_model_that_took_over(
    case: str, gain: float, said: bool
) -> None:
    given = made_up.results()
    estimates = given.estimates.copy()
    retention = estimates["headline"] & estimates["estimand"].str.startswith("retention")
    estimates.loc[retention, "model"] = "grouped_ph"
    rows = estimates[(estimates["estimand"] == "tenure") & estimates["headline"]]
    spliced = rows.assign(
        model="spliced", headline=False, horizon=12, estimate=5.25, conf_low=5.05, conf_high=5.45
    )
    estimates = pd.concat([estimates, spliced], ignore_index=True).drop_duplicates(list(KEY), keep="last")
    facts = {"case": case, "std_error": 4.0, "half_life": 9.0, "unit": "month"}
    structure = Check("tail_structure", "spliced", value=gain, facts=facts)
    first = pages(replace(given, estimates=estimates, checks=(THIN, structure)))[0]
    sentence = "The counts speak against this assumption: a model in which the score’s hazard ratios differ by stratum"
    assert (squeezed(sentence) in squeezed(first)) is said
    assert (squeezed("puts the restricted mean tenure to 12 months at 5.2") in squeezed(first)) is said


def test_a_cohort_without_any_estimate_still_has_a_report() -> None:
    given = made_up.results()
    empty = made_up.altered(
        given, estimates=given.estimates.iloc[:0], checks=(),
        at_risk=given.at_risk.iloc[:0], cells=given.counts.cells[given.counts.cells["score"].isna()],
    )  # fmt: skip
    text = pages(empty)
    assert "0 customers of saas.csv gave a score" in text[0]
    assert "Retention after 12 months could not be estimated; the diagnostics give the reason." in text[0]


def test_a_command_is_not_parted_from_its_heading() -> None:
    page = next(page for page in ordinary() if "How to run it again" in page)
    assert "cxlink fit saas.csv --spec saas.toml" in page


@pytest.mark.long
def test_only_literature_that_applies_is_cited() -> None:
    text = " ".join(ordinary())
    assert "Fader, P. S. and Hardie" in text
    assert "Kriss" not in text
    assert "VanderWeele" not in text
    assert "Kriss" in " ".join(study())


@pytest.mark.parametrize("lag", [1, 3])
def test_other_time_origins_stand_beside_the_main_one(lag: int) -> None:
    row = open_book(made_up.results().estimates).get(
        "retention", "best", "kaplan_meier", 12, scenario=f"lag={lag}"
    )
    months = "1 month" if lag == 1 else "3 months"
    text = squeezed(" ".join(ordinary()))
    assert row is not None
    assert squeezed(f"From {months} after the score, unadjusted {100 * row.estimate:.1f} [") in text
