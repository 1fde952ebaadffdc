"""Page one answers on any table: nobody lost, everybody lost, few customers, a wrong sign, and no decimals too many."""

import io
import math
from dataclasses import replace

import made_up
import numpy as np
import pandas as pd
import pytest
from as_read import cells, sentences, squeezed, table
from pypdf import PdfReader

from cxlink.checks import Check
from cxlink.cohort.count.profile import Remark
from cxlink.estimands.tidy import tidy
from cxlink.report import document
from cxlink.report.analysis_document import make_document
from cxlink.report.content import gather
from cxlink.report.document import Document, Picture
from cxlink.report.format import decimals
from cxlink.report.render_html import page_html
from cxlink.report.render_typst import compile_pdf
from cxlink.report.sections.first_page import first_page, headline_blocks
from cxlink.report.sections.limitations import limits, standardised_to
from cxlink.report.sections.sensitivity_section import sensitivity_pages
from cxlink.report.words import say
from cxlink.results import Results

pytestmark = pytest.mark.usefixtures("empty_pictures")
GIVEN = made_up.results()
THIN = "\u202f"
N_BEST = made_up.count("best")


def _changed(where: str, **columns: object) -> Results:
    rows = GIVEN.estimates.copy()
    mine = rows.index.isin(rows.query(where, engine="python").index)
    for name, value in columns.items():
        rows.loc[mine, name] = value
    return replace(GIVEN, estimates=rows)


def _said(given: Results, kind: str = "paragraph") -> str:
    return sentences(headline_blocks(gather(given)), kind)


NONE = f"none of 9{THIN}300 was lost within 12 months of the score"
NONE_CELL = f"none of 9{THIN}300 lost"
ALL = f"all 9{THIN}300 were lost within 12 months of the score"
HEADLINE = "estimand == 'retention' and headline and group == 'best'"


@pytest.mark.parametrize(
    ("lost", "estimate", "low", "high", "sentence", "cell"),
    [
        (0, 1.0, 0.997, 1.0, f"{NONE} (interval: at least 99.7{THIN}%", f"{NONE_CELL} (at least 99.7{THIN}%)"),
        (0, 0.999, 0.984, 0.9999, f"{NONE} (interval: at least 98.4{THIN}%", f"{NONE_CELL} (at least 98.4{THIN}%)"),
        (N_BEST, 0.0, 0.0, 0.031, f"{ALL} (interval: at most 3{THIN}%", f"all 9{THIN}300 lost (at most 3{THIN}%)"),
        (0, 1.0, 1.0, 1.0, f"{NONE}. At 12 months", NONE_CELL),
    ],
)  # fmt: skip
def test_where_none_or_all_were_lost_page_one_counts_them_and_gives_the_one_limit(
    lost: int, estimate: float, low: float, high: float, sentence: str, cell: str
) -> None:
    given = _changed(HEADLINE, n_events=lost, estimate=estimate, conf_low=low, conf_high=high)
    assert sentence in _said(given)
    assert cells(headline_blocks(gather(given)), "Main results")["Retention after 12 months"][0] == cell
    assert "100.0" not in _said(given)


@pytest.mark.parametrize(
    ("window", "said"), [(3, "in the 3 months observed"), (12, "within 12 months of the score")]
)
def test_of_a_snapshot_none_were_lost_in_its_window_and_not_in_the_year_that_it_chains(
    window: int, said: str
) -> None:
    given = _changed(HEADLINE, n_events=0, estimate=0.999, conf_low=0.984, conf_high=0.9999)
    assert given.spec.subscription is not None
    sub = given.spec.subscription.model_copy(update={"window": window, "clock": "signup"})
    spec = given.spec.model_copy(update={"subscription": sub})
    assert f"none of 9{THIN}300 was lost {said}" in _said(made_up.altered(given, spec=spec))


def test_customers_who_enter_late_are_standardised_to_the_time_elapsed_where_nothing_else_is_named() -> None:
    spec = made_up.results({"adjust": {"columns": ()}}).spec
    m = gather(made_up.altered(GIVEN, spec=spec))
    rows = [m.book.get("retention", "best", "kaplan_meier", 12, adjusted="standardised")]
    assert rows[0] is not None
    assert standardised_to(rows, m) == (
        "standardised to the mix of time since signup at entry among all customers with a score"
    )
    assert "mix of plan and region among" in standardised_to(rows, gather(GIVEN))
    assert "Differences other than in time since signup at entry are not adjusted for" in limits(m)[0]


def test_thin_support_of_customer_value_is_no_limit_of_retention_or_spend() -> None:
    facts = {"reference": "worst", "adjusted": "standardised"}
    thin = Check("support", "value", "best", 0.4, bound=0.9, passed=False, facts=facts)
    assert limits(gather(replace(GIVEN, checks=(*GIVEN.checks, thin)))) == limits(gather(GIVEN))


def test_one_customer_who_was_lost_is_named_as_one() -> None:
    given = _changed(HEADLINE, n=1, n_events=1, estimate=0.0, conf_low=0.0, conf_high=0.88)
    assert (
        f"The only customer who gave 9–10 was lost within 12 months of the score (interval: at most 88{THIN}% retained"
        in _said(given)
    )


def test_an_infinite_ratio_is_not_estimable_and_its_limit_is_said() -> None:
    where = "estimand == 'retention_ratio' and headline"
    given = _changed(where, estimate=math.inf, conf_low=9.2, conf_high=math.inf)
    assert "the risk ratio not estimable (at least 9.2)" in _said(given)
    assert "∞" not in "".join(str(part) for part in headline_blocks(gather(given)))


def test_page_one_has_no_e_value() -> None:
    key = {
        "estimand": "e_value",
        "model": "kaplan_meier",
        "group": "best",
        "reference": "worst",
        "horizon": 12,
    }
    row = {**key, "scenario": "retained", "estimate": 2.9, "conf_low": 1.5, "unit": "ratio"}
    m = gather(replace(GIVEN, estimates=pd.concat([GIVEN.estimates, tidy([row])], ignore_index=True)))
    assert "2.9 (1.5) for being retained" in sentences(sensitivity_pages(m))
    assert "E-value" not in "".join(str(part) for part in first_page(m))


def test_the_number_of_customers_stands_beside_each_group() -> None:
    parts = headline_blocks(gather(GIVEN))
    header = table(parts, "Main results").header
    n = {
        side: GIVEN.counts.scored.query(f"score in {list(made_up.GROUPS[side])}")["n"].sum()
        for side in ("best", "worst")
    }
    shown = [text.replace("\u00a0", " ").replace(THIN, "") for text in header[1:3]]
    assert shown == [f"Scores 9–10 (n = {n['best']})", f"Score 1 (n = {n['worst']})"]
    assert f"customers who gave 9–10 (n\u00a0=\u00a09{THIN}300)" in sentences(parts)


@pytest.mark.parametrize(
    ("best", "worst", "said"),
    [
        (29, 30, "Only 29 customers gave 9–10: its figures rest on few customers."),
        (
            12,
            1,
            "Only 12 customers gave 9–10 and 1 customer gave 1: the figures of these groups rest on few customers.",
        ),
        (30, 400, ""),
    ],
)
def test_a_band_of_under_thirty_customers_names_its_number(best: int, worst: int, said: str) -> None:
    one = GIVEN.counts.cells.query("score == 9").iloc[:1]
    few = pd.concat([one.assign(n=best), one.assign(score=1, n=worst)]).astype({"score": "Int64"})
    notices = _said(made_up.altered(GIVEN, cells=few), "notice")
    assert said in notices
    assert ("rest on few" in notices) is bool(said)


def test_one_customer_who_spent_most_is_named() -> None:
    facts = {"share": 0.99, "adjusted": "no", "stratum": "", "scenario": ""}
    check = Check("spend_concentration", "means", "worst", 0.998, bound=0.5, passed=False, facts=facts)
    said = _said(replace(GIVEN, checks=(check,)), "notice")
    assert f"One customer accounts for at least 99{THIN}% of the mean spend of customers who gave 1," in said
    # a stratum's, or another level's, is in the diagnostics alone
    for other in (replace(check, group="5"), replace(check, facts={**facts, "stratum": "plan=x"})):
        assert "One customer" not in _said(replace(GIVEN, checks=(other,)), "notice")


def test_a_band_that_all_spent_the_same_is_named_once() -> None:
    facts = {"adjusted": "no", "stratum": "", "scenario": ""}
    check = Check("spend_unvaried", "means", "worst", 120.0, facts=facts)
    adjusted = replace(check, facts={**facts, "adjusted": "standardised"})
    said = _said(replace(GIVEN, checks=(check, adjusted)), "notice")
    assert said.count("All customers who gave 1 spent the same") == 1


def test_a_ratio_that_no_data_know_is_not_written_out() -> None:
    where = "estimand == 'retention_ratio' and headline"
    large = _said(_changed(where, estimate=1.04e7, conf_low=0.84, conf_high=math.inf))
    assert f">1{THIN}000 (at least 0.84)" in large
    small = _said(_changed(where, estimate=5.7e-5, conf_low=1.9e-5, conf_high=0.987))
    assert "<0.01 [<0.01," in small


def test_a_sign_the_wrong_way_round_has_its_sentence() -> None:
    kinds = {"retention": "retained", "spend": "spent"}
    assert not any(say(f"results.wrong_sign_{kind}") in _said(GIVEN, "notice") for kind in kinds)
    for kind in kinds:
        where = f"estimand == '{kind}_difference' and headline"
        given = _changed(where, estimate=-0.2, conf_low=-0.3, conf_high=-0.1)
        assert say(f"results.wrong_sign_{kind}") in _said(given, "notice")
        unsure = _changed(where, estimate=-0.2, conf_low=-0.5, conf_high=0.1)
        assert say(f"results.wrong_sign_{kind}") not in _said(unsure, "notice")


@pytest.mark.parametrize(
    ("code", "low", "high", "kind"),
    [
        ("trend", 1.02, 1.2, "retention"),
        ("spend_trend", 0.7, 0.98, "spend"),
        ("trend", 0.7, 0.98, ""),
        ("trend", 0.9, 1.1, ""),
    ],
)
def test_a_trend_the_wrong_way_round_is_said_where_the_bands_do_not_tell(
    code: str, low: float, high: float, kind: str
) -> None:
    facts = {"z": 2.5, "p": 0.01}
    checks = (Check(code, "x", value=(low * high) ** 0.5, low=low, high=high, facts=facts),)
    unsure = _changed("estimand.str.endswith('_difference') and headline", conf_low=-1.0, conf_high=1.0)
    said = _said(replace(unsure, checks=checks), "notice")
    assert [one for one in ("retention", "spend") if say(f"results.wrong_sign_{one}") in said] == (
        [kind] if kind else []
    )
    sentence = {"trend": "the hazard of loss", "spend_trend": "mean spend"}[code]
    assert f"Per point of the score towards better, {sentence} is multiplied by" in _said(
        replace(unsure, checks=checks)
    )


@pytest.mark.parametrize(
    ("low", "high", "none", "digits"),
    [
        (72.2, 76.4, math.nan, 0), (73.6, 74.5, math.nan, 1), (0.01, 0.02, math.nan, 2),
        (0.3, 8.0, 0.0, 1), (0.0, 8.0, 0.0, 0), (0.0004, 8.0, 0.0, 0),
        (0.45, 0.52, 1.0, 2), (1.04, 9.5, 1.0, 2), (6.0, 284.0, 1.0, 0), (9.2, math.inf, 1.0, 1),
        (0.9472, 0.9514, math.nan, 3), (0.94999, 0.95001, math.nan, 3),
        (5.0, 5.0, math.nan, 0), (math.nan, math.nan, math.nan, 0),
    ],
)  # fmt: skip
def test_decimals_are_those_that_the_interval_knows(
    low: float, high: float, none: float, digits: int
) -> None:
    assert decimals(low, high, none) == digits


def test_decimals_never_decrease_where_the_interval_narrows() -> None:
    widths = np.geomspace(1e-4, 1e4, 200)
    for none in (math.nan, 0.0, 1.0):
        found = [decimals(50.0 - w / 2, 50.0 + w / 2, none) for w in widths if w < 90]
        assert found == sorted(found, reverse=True)


def test_the_picture_shows_retention_tenure_and_spend_of_the_model_that_page_one_stands_on() -> None:
    levels = GIVEN.estimates.query(
        "estimand == 'retention' and model == 'kaplan_meier' and horizon == 12 and stratum == '' and scenario == ''",
        engine="python",
    )
    tenure = levels[levels["group"].str.isdigit()].assign(
        estimand="tenure", unit="month", horizon=24, estimate=18.0
    )
    whole = pd.concat([GIVEN.estimates, tenure], ignore_index=True)
    picture = _picture(replace(GIVEN, estimates=whole))
    assert picture.caption.startswith("Retention after 12 months, RMST to 24 months and mean spend by score")
    assert "RMST to 24 months by score: 1: 18" in picture.alt
    additive = whole.loc[levels.index].assign(model="grouped_ph", estimate=0.5, conf_low=0.4, conf_high=0.6)
    own = whole.assign(headline=whole["headline"] & (whole["estimand"] != "retention"))
    fallback = _picture(replace(GIVEN, estimates=pd.concat([own, additive], ignore_index=True)))
    assert f"10: 50{THIN}%" in fallback.alt
    assert f"10: 50{THIN}%" not in picture.alt


def _picture(given: Results) -> Picture:
    return next(part for part in first_page(gather(given)) if isinstance(part, Picture))


@pytest.mark.long
def test_the_title_block_has_what_the_spec_gives_and_nothing_else() -> None:
    given = {
        "title": "Scores & churn",
        "author": "A. N. Author",
        "organisation": "Acme <NL>",
        "period": "2025",
    }
    made = make_document(made_up.results({"report": given}))
    assert made.title == "Scores & churn"
    assert made.byline == ("Author: A. N. Author", "Organisation: Acme <NL>", "Period of the data: 2025")
    few = Document(
        made.title, "a", "b", "c", "", (document.paragraph("x"),), author=made.author, byline=made.byline
    )
    page = page_html(few)
    assert '<meta name="author" content="A. N. Author">' in page
    assert '<p class="byline">Organisation: Acme &lt;NL&gt;</p>' in page
    read = PdfReader(io.BytesIO(compile_pdf(few)))
    assert read.metadata is not None
    assert read.metadata.author == "A. N. Author"
    assert "Period of the data: 2025" in read.pages[0].extract_text()
    plain = make_document(GIVEN)
    assert (plain.title, plain.author, plain.byline) == (say("document.title", cohort="saas-2019"), "", ())
    assert 'class="byline"' not in page_html(replace(few, author="", byline=()))


def test_a_long_word_breaks_in_a_narrow_column() -> None:
    word = "Mindestvertragslaufzeit"
    block = document.table("x", ["a", "b", "c"], [[word, word, "1"]], texts=(0, 1), shares=(1, 1, 9))
    page = PdfReader(io.BytesIO(compile_pdf(Document("a", "b", "c", "d", "", (block,))))).pages[0]
    assert word not in page.extract_text()


@pytest.mark.parametrize(
    "name", ["months_since_first_purchase=<12-24", "averyverylongnamewithoutanymarkofsixtycharacters"]
)
def test_a_long_name_breaks_and_does_not_run_into_the_next_column(name: str) -> None:
    wide = [f"{90 + i}.12 [65.02, 121.65]" for i in range(5)]
    block = document.table("x", ["Stratum", *"abcde"], [[name, *wide]])
    text = (
        PdfReader(io.BytesIO(compile_pdf(Document("a", "b", "c", "d", "", (block,))))).pages[0].extract_text()
    )
    assert name not in text
    assert name in squeezed(text)


def test_where_another_model_extrapolates_its_mean_within_the_same_horizon_is_said() -> None:
    sentence = "They come from another model than the means above: within 24 months it gives"
    assert sentence not in _said(GIVEN)
    rows = GIVEN.estimates
    own = rows[(rows["estimand"] == "tenure") & rows["headline"]]
    until = int(own["horizon"].iloc[0])
    spliced = own.assign(model="spliced", headline=False, estimate=5.25, conf_low=5.05, conf_high=5.45)
    other = rows.assign(model=rows["model"].where(~rows.index.isin(own.index), "grouped_ph"))
    other = pd.concat([other[~((other["model"] == "spliced") & (other["horizon"] == until))], spliced])
    said = _said(replace(GIVEN, estimates=other))
    assert sentence.replace("24", str(until)) in said
    assert said.count("5.2 months") == 2


def test_what_is_not_confirmed_stands_first_and_once() -> None:
    guess = Remark("unconfirmed_scale", facts={"value": "1-5"})
    profile = replace(GIVEN.profile, notes=(*GIVEN.profile.notes, guess))
    found = limits(gather(replace(GIVEN, counts=replace(GIVEN.counts, profile=profile))))
    said = "Not confirmed: the score is taken to have the scale 1-5 ([score] scale)."
    assert [at for at, one in enumerate(found) if one == said] == [0]


GUESSES = (
    Remark(
        "unconfirmed_duration", facts={"key": "[subscription] duration", "value": "months", "unit": "month"}
    ),
    Remark("unconfirmed_scale", facts={"key": "[score] scale", "value": "1-10", "unit": "month"}),
    Remark(
        "unconfirmed_labels",
        facts={"key": "[score] labels", "value": "Very dissatisfied, Dissatisfied, Fine"},
    ),
    Remark("unconfirmed_complete", facts={"key": "[spend] complete", "value": "true"}),
    Remark("unconfirmed_event_name", facts={"column": "active", "lost": ("1",), "retained": ("0",)}),
    Remark("unconfirmed_unit_name", facts={"column": "weeks", "unit": "month", "named_unit": "week"}),
    Remark("unconfirmed_window_name", facts={"column": "x_3m", "months": 12, "named": 3}),
    Remark("unconfirmed_currency_name", facts={"column": "x_usd", "currency": "EUR", "named": "USD"}),
)
NOT_CONFIRMED = (
    "Not confirmed: [subscription] duration = months, [score] scale = 1-10, [score] labels = Very dissatisfied, "
    "Dissatisfi…, [spend] complete = true, [subscription] event = active, [subscription] unit = month, [spend] "
    "window_months = 12 and [spend] currency = EUR (see “Limitations”)."
)
SUPPORT = {"reference": "worst", "adjusted": "standardised"}


def _guessed(given: Results, *guesses: Remark) -> Results:
    return made_up.altered(given, profile=replace(given.profile, notes=(*given.profile.notes, *guesses)))


def test_keys_that_are_not_confirmed_are_named_before_the_numbers_in_one_sentence() -> None:
    assert NOT_CONFIRMED in _said(_guessed(GIVEN, *GUESSES), "notice")
    assert "Not confirmed: [score] scale = 1-10 (see “Limitations”)." in _said(
        _guessed(GIVEN, GUESSES[1]), "notice"
    )
    assert "Not confirmed" not in _said(GIVEN, "notice")


def _by_additive_models(given: Results) -> Results:
    """The same results with the main ones from the additive models."""
    rows, stand_ins = (
        given.estimates.copy(),
        {"retention": "grouped_ph", "tenure": "grouped_ph", "spend": "poisson"},
    )
    for outcome, model in stand_ins.items():
        rows.loc[rows["headline"] & rows["estimand"].str.startswith(outcome), "model"] = model
    return replace(given, estimates=rows)


def _supported(retention: float, spend: float) -> tuple[Check, ...]:
    shares = {"kaplan_meier": retention, "means": spend}
    outcome = {"kaplan_meier": "retention", "means": "spend"}
    return tuple(
        Check(
            "support", model, "best", share, bound=0.9, passed=share >= 0.9,
            facts={**SUPPORT, "case": f"{outcome[model]}_scored", "horizon": 12, "unit": "month"},
        )
        for model, share in shares.items()
    )  # fmt: skip


TOOK_OVER = (
    "No customer is in a stratum with common support for retention and tenure. The main results therefore come from a "
    "proportional-hazards model of all of them, which assumes the same relative difference between scores in every "
    "stratum. "
    f"Only 30.0{THIN}% of the customers are in strata with common support for mean spend. The main results therefore "
    "come from an additive Poisson model of all of them, which assumes the same relative difference between scores in "
    "every stratum."
)


@pytest.mark.parametrize(
    ("checks", "own", "said"),
    [
        (_supported(0.0, 0.3), False, TOOK_OVER),
        (
            _supported(0.62, 1.0),
            True,
            f"Only 62.0{THIN}% of the customers are in strata with common support for retention and tenure, and no "
            "additive model took over (see “Limitations”).",
        ),
        (
            (Check("customers_per_stratum", "means", "worst", 17.0, bound=20.0, passed=False),),
            False,
            "Customers per stratum are too few for mean spend. The main results therefore come from an additive "
            "Poisson model of all of them, which assumes",
        ),
        (
            (Check("buckets_per_group", "kaplan_meier", "worst", 4.0, bound=10.0, passed=False),),
            True,
            "Customers are in too few clusters for retention and tenure, and no additive model took over (see",
        ),
    ],
)
def test_what_took_over_for_want_of_support_is_named_before_the_numbers(
    checks: tuple[Check, ...], own: bool, said: str
) -> None:
    given = GIVEN if own else _by_additive_models(GIVEN)
    assert said in _said(replace(given, checks=checks), "notice")


def test_nothing_is_said_of_support_where_there_is_enough() -> None:
    notices = _said(replace(GIVEN, checks=_supported(0.9, 1.0)), "notice")
    assert not any(word in notices for word in ("support", "took over", "per stratum"))


@pytest.mark.long
def test_the_fullest_page_one_has_every_notice_on_page_one_of_the_pdf() -> None:
    wrong = _changed(
        "estimand == 'retention_difference' and headline", estimate=-0.2, conf_low=-0.3, conf_high=-0.1
    )
    wrong = replace(wrong, estimates=_by_additive_models(wrong).estimates)
    concentrated = Check(
        "spend_concentration", "means", "worst", 0.998, bound=0.5, passed=False,
        facts={"share": 0.99, "adjusted": "no", "stratum": "", "scenario": ""},
    )  # fmt: skip
    given = _guessed(replace(wrong, checks=(*_supported(0.0, 0.3), concentrated)), *GUESSES)
    page = squeezed(PdfReader(io.BytesIO(compile_pdf(make_document(given)))).pages[0].extract_text())
    notices = [one for one in first_page(gather(given)) if one.kind == "notice"]
    assert len(notices) >= 4
    for said in (NOT_CONFIRMED, TOOK_OVER, say("results.wrong_sign_retention"), "Table 1."):
        assert squeezed(said) in page


def _limits(check: Check, **cohort: object) -> str:
    spec = GIVEN.spec.model_copy(update={"cohort": GIVEN.spec.cohort.model_copy(update=cohort)})
    return " ".join(limits(gather(made_up.altered(GIVEN, spec=spec, checks=(check,)))))


@pytest.mark.parametrize("model", ["kaplan_meier", "means"])
def test_few_customers_a_stratum_are_said_where_no_additive_model_takes_over(model: str) -> None:
    few = Check("customers_per_stratum", model, "worst", 17.0, bound=20.0, passed=False)
    said = _limits(few)
    assert "on average fewer than 20 per stratum" in said
    assert "No additive model was fitted instead (see “Diagnostics”)" in said


@pytest.mark.parametrize("share", [0.95, 0.4])
def test_strata_of_one_bucket_of_clusters_are_said_to_lack_support(share: float) -> None:
    thin = Check("support", "means", "best", share, bound=0.9, passed=share > 0.9, facts=SUPPORT)
    text = "has no customers with a complete window, or has them all in one bucket of clusters"
    assert (text in _limits(thin, cluster="account")) == (share < 0.9)
    assert text not in _limits(thin)
    assert ("has no customers with a complete window." in _limits(thin)) == (share < 0.9)


def test_no_support_of_clusters_asks_for_two_buckets() -> None:
    checks = tuple(Check("support", model, "best", 0.0, bound=0.9, passed=False, facts=SUPPORT)
                   for model in ("kaplan_meier", "means"))  # fmt: skip
    bare = GIVEN.estimates.query("adjusted == 'no'").assign(headline=False).reset_index(drop=True)
    spec = GIVEN.spec.model_copy(
        update={"cohort": GIVEN.spec.cohort.model_copy(update={"cluster": "account"})}
    )
    said = _said(replace(made_up.altered(GIVEN, spec=spec, checks=checks), estimates=bare))
    assert "at risk up to 12 months, from two buckets of clusters or more." in said
    assert "a complete spend window, from two buckets of clusters or more." in said


def test_the_caption_names_scores_whose_curve_ends_before_the_horizon_and_no_others() -> None:
    rows = GIVEN.estimates
    levels = rows.query(
        "estimand == 'retention' and model == 'kaplan_meier' and horizon == 12 and stratum == '' and scenario == ''",
        engine="python",
    )
    levels = levels[levels["group"].str.isdigit()]
    ended = rows.drop(levels.index[levels["group"].isin(["2", "3"])])
    few = "too few of their customers were followed for 12 months."
    assert "too few" not in _picture(_changed("estimand == 'retention'", extrapolated=1.0)).caption
    assert _picture(replace(GIVEN, estimates=ended)).caption.endswith(
        f"Scores 2 and 3 have no retention: {few}"
    )
    continued = pd.concat([ended, levels.assign(model="spliced")], ignore_index=True)
    assert _picture(replace(GIVEN, estimates=continued)).caption.endswith(
        f"Retention of scores 2 and 3 is extrapolated: {few}"
    )
