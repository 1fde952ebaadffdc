"""The Bayesian section: what it says is what the tables hold, whatever was asked for."""

import math
from dataclasses import replace
from functools import cache
from typing import Any

import made_up
import numpy as np
import pandas as pd
import pytest
from as_read import cells, pages, sentences, squeezed, table
from empty_pictures import EMPTY
from made_up_bayes import UNSEEN, posterior_checks, with_posteriors
from matplotlib.collections import PolyCollection
from test_pdf import CAUSAL

from cxlink.checks import Check
from cxlink.report.content import gather, stacked
from cxlink.report.document import Block
from cxlink.report.estimates_lookup import open_book
from cxlink.report.figures import drawing
from cxlink.report.figures import posterior_figures as bayes_figures
from cxlink.report.figures.tenure_ladder import is_family
from cxlink.report.posterior_sections.posterior_section import bayes_methods, bayes_pages
from cxlink.report.posterior_sections.posterior_tables import compared
from cxlink.report.references import cited
from cxlink.report.sections.diagnostics_section import diagnostics_pages
from cxlink.report.sections.first_page import first_page
from cxlink.report.sections.limitations import limits
from cxlink.report.sections.main_results import beyond
from cxlink.report.sections.methods_section import methods_pages
from cxlink.report.sections.tenure_section import tenure_pages
from cxlink.results import Results

pytestmark = pytest.mark.usefixtures("empty_pictures")
GIVEN = with_posteriors()
NARROW = "\u202f"


@cache
def ordinary() -> list[Block]:
    return bayes_pages(gather(GIVEN))


def section(given: Results = GIVEN) -> list[Block]:
    return ordinary() if given is GIVEN else bayes_pages(gather(given))


def said(given: Results = GIVEN) -> str:
    """Every sentence, cell, caption and note of the section; priors, which the models word, left out."""
    parts = [
        part
        for part in section(given)
        if not str(getattr(part, "caption", "")).startswith("Prior distributions")
    ]
    texts = [sentences(parts, kind) for kind in ("paragraph", "notice")]
    for part in parts:
        texts += [
            str(getattr(part, name, ""))
            for name in ("text", "caption", "alt", "notes", "header", "rows", "items")
        ]
    return " ".join(texts)


def test_draws_rescaled_over_clusters_are_said_with_their_factors_and_cited() -> None:
    facts = {"of": "retention", "buckets": 128}
    checks = [
        Check("rescaled_draws", "bayes", value=1.234, facts=facts),
        Check("rescaled_draws", "bayes_sbg", value=1.5, facts=facts),
    ]
    given = replace(GIVEN, checks=(*GIVEN.checks, *checks))
    text = squeezed(said(given))
    for part in (
        "covariance that 128 buckets of clusters show (Giordano and Broderick 2023)",
        "are 1.23 times (Retention, hazard) and 1.50 times (Retention, sBG) those sampled",
    ):
        assert squeezed(part) in text
    assert "Clusters." not in squeezed(said())
    names = ["Giordano" in " ".join(cited([gather(one)])) for one in (GIVEN, given)]
    assert names == [False, True]


def test_checks_without_an_interval_are_written_alone_and_missed_replicates_are_counted() -> None:
    """Clustered customers: log scores and deviations have no error, and replicated counts decide nothing."""
    checks = []
    for check in GIVEN.checks:
        facts = {**check.facts, **({"std_error": math.nan} if "std_error" in check.facts else {})}
        if check.code.startswith("predicted_"):
            facts["missed"] = True
        ends = {"low": math.nan, "high": math.nan} if check.code == "standard_deviation" else {}
        passed = None if check.code.startswith("predicted_") else check.passed
        checks.append(replace(check, facts=facts, passed=passed, **ends))
    text = said(replace(GIVEN, checks=tuple(checks)))
    assert "nan" not in text.lower().replace("finance", "")
    before = said()
    assert before.count("[") > text.count("[")


def changed(rows: pd.DataFrame, where: pd.Series, **values: float) -> pd.DataFrame:
    made = rows.copy()
    for name, value in values.items():
        made.loc[where, name] = value
    return made


def failing(code: str, of: str, group: str, reference: str, value: float) -> Results:
    """The same cohort with one finding that is not as it should be."""
    checks = posterior_checks(made_up.results())
    place = next(
        i for i, check in enumerate(checks)
        if (check.code, check.facts["of"], check.group, check.get("reference")) == (code, of, group, reference)
    )  # fmt: skip
    checks[place] = replace(checks[place], value=value, passed=False)
    return with_posteriors(found=checks)


@pytest.mark.long
def test_without_posteriors_there_is_no_section_and_with_them_it_is_in_the_report() -> None:
    assert section(made_up.results()) == []
    text = " ".join(pages(GIVEN))
    assert "Bayesian models" in text
    assert "Bayesian models." in text
    assert "Kallioinen, N." in text
    plain = " ".join(pages(made_up.results()))
    assert "Bayes" not in plain.replace("Bayesian Analysis", "").replace("Bayesian predictive", "")


def test_a_posterior_changes_nothing_of_the_other_sections() -> None:
    with_, without = (
        gather(GIVEN),
        gather(replace(GIVEN, bayesian=None, cohorts=pd.DataFrame(), estimates=_others(GIVEN.estimates))),
    )
    assert tenure_pages(with_) == tenure_pages(without)
    assert beyond(with_) == beyond(without)
    assert first_page(with_) == first_page(without)
    told = [[part for part in methods_pages([m]) if "Tenure." in str(part)] for m in (with_, without)]
    assert len(told[0]) == 1
    assert told[0] == told[1]
    assert [is_family(name) for name in ("bayes", "bayes_sbg", "weibull", "averaged")] == [
        False,
        False,
        True,
        False,
    ]


def _others(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[~rows["model"].isin(["bayes", "bayes_sbg"])]


def test_retention_stands_beside_kaplan_meier_level_by_level() -> None:
    found = cells(section(), "Retention after 12 months by score")
    book = open_book(GIVEN.estimates)
    for level in (1, 2, 7, 10):
        rows = [book.get("retention", str(level), model, 12, adjusted="standardised") for model in
                ("kaplan_meier", "bayes", "bayes_sbg")]  # fmt: skip
        line = found[str(level)]
        for row, cell in zip(rows, line[1:], strict=True):
            assert row is not None
            assert cell.startswith(f"{100 * row.estimate:.1f} [{100 * row.conf_low:.1f},")
    assert found["7"][0] == f"3{NARROW}105"
    assert found["all scores"][2].startswith("61.0 [55.0,")  # 0.60 + 0.02 · (5.5 − 5), own mix
    assert "own mix" in " ".join(table(section(), "Retention after 12 months by score").notes)


def test_a_level_that_nobody_gave_is_marked_as_predicted() -> None:
    found = cells(section(), "Retention after 12 months by score")
    line = found[f"{UNSEEN} (predicted)"]
    assert line[:2] == ["0", "–"]
    assert line[2].startswith("56.0 [50.0,")  # 0.60 + 0.02 · (3 − 5)
    assert list(found).index(f"{UNSEEN} (predicted)") == 2
    notes = " ".join(table(section(), "Retention after 12 months by score").notes)
    assert "no customer gave 3, whose estimate is predicted from the other scores" in notes
    assert (
        f"No customer gave 3; predicted from the other scores, retention for 3 is 56{NARROW}%"
        in sentences(section())
    )
    everybody = made_up.altered(GIVEN, cells=made_up.results().counts.cells)
    assert "redicted" not in str(cells(section(everybody), "Retention after 12 months by score"))


def test_where_the_two_are_farthest_apart_is_said_in_numbers() -> None:
    far = (
        GIVEN.estimates["model"].eq("bayes")
        & GIVEN.estimates["group"].eq("2")
        & GIVEN.estimates["horizon"].eq(12)
    )
    far &= GIVEN.estimates["estimand"].eq("retention")
    rows = changed(GIVEN.estimates, far, estimate=0.9, conf_low=0.85, conf_high=0.95)
    text = sentences(section(replace(GIVEN, estimates=rows)))
    assert "differ most for score 2 (645 customers): Kaplan–Meier gives " in text
    assert f"the Bayesian hazard model 90{NARROW}% [85,\u00a095]." in text


@pytest.mark.parametrize(
    ("before", "after", "direction", "change"),
    [(0.20, 0.12, "narrower", 0.4), (0.12, 0.20, "wider", 2 / 3), (0.20, 0.196, "same", 0.02), (0.0, 0.1, "same", 0)],
)  # fmt: skip
def test_widths_are_compared_by_hand(before: float, after: float, direction: str, change: float) -> None:
    assert compared(before, after) == (direction, pytest.approx(change, abs=1e-12))


def test_restricted_means_stand_by_band_and_model_with_the_waning_where_it_was_asked_for() -> None:
    plain = table(section(), "Mean tenure (RMST) by the Bayesian models")
    assert plain.header == [
        "Horizon", "Extrapolated", "9–10: hazard", "9–10: sBG", "1: hazard", "1: sBG",
    ]  # fmt: skip
    # best: p = 0.60 + 0.02 · 4.5 and 0.58 + 0.02 · 4.5; times 36, of the second 1.1 as much
    assert plain.rows[1][2].startswith(f"{0.69 * 36:.1f} [")
    assert plain.rows[1][3].startswith(f"{0.67 * 36 * 1.1:.1f} [")
    # least and most of p/2 over the four: worst by the second, best by the first
    assert [row[1] for row in plain.rows[:2]] == [f"0{NARROW}%", f"25–34{NARROW}%"]
    waned = table(
        section(with_posteriors(scenarios=("", "waning"))), "Mean tenure (RMST) by the Bayesian models"
    )
    assert waned.header[4] == "9–10: waning"
    assert "Waning:" in " ".join(waned.notes)
    assert "Waning:" not in " ".join(plain.notes)


def test_spend_stands_beside_the_means() -> None:
    found = cells(section(), "Mean spend in 12 months by score")
    assert found["7"][2].startswith("670 [650,")
    row = open_book(GIVEN.estimates).get("spend", "7", "means", adjusted="standardised")
    assert row is not None
    assert found["7"][1].startswith(f"{row.estimate:.0f} [")
    assert "all scores" not in found  # the posterior has no such row


def test_what_pooling_with_other_cohorts_changes_is_given_in_numbers() -> None:
    given = with_posteriors(cohorts=3, scenarios=("", "alone", "new_cohort"))
    text = sentences(section(given))
    # half widths 0.06 and 0.10
    assert f"is 40{NARROW}% narrower than from the cohort alone (12.0 points against 20.0)" in text
    assert "Three cohorts were modelled jointly, and saas-2019 is the one reported" in text
    assert "saas-2019 has been followed for 3 months: estimates after that rest on the other cohorts" in text
    found = cells(section(given), "Retention after 12 months, in per cent")
    assert [found["9–10 (best)"][i] for i in (2, 4, 6)] == ["20.0", "12.0", "30.0"]
    assert list(cells(section(given), "The pooled cohorts")) == [
        "cohort 1",
        "cohort 2",
        "saas-2019 (reported)",
    ]
    assert "the other cohorts" in text
    assert "Only the main posteriors are checked, not those of the cohort alone." in text


def test_one_cohort_borrows_from_no_other() -> None:
    assert "cohorts were" not in said()
    assert "the other cohorts" not in said()
    long = with_posteriors(cohorts=2, scenarios=("", "alone"))
    sizes = long.cohorts.assign(periods=24)
    followed = replace(long, cohorts=sizes)
    assert "rest on the other cohorts" not in sentences(section(followed))


def test_failed_sampling_is_loud_in_the_section_and_on_page_one() -> None:
    given = failing("rhat", "retention", "", "", 1.2)
    warning = (
        "Do not rely on the posterior of retention (bayes): its chains did not converge (R-hat 1.200). The estimates "
        "of the other models do not depend on it."
    )
    first = section(given)[1]
    assert first.kind == "notice"
    assert warning in str(first.runs)
    assert limits(gather(given))[0] == warning
    assert warning in str(first_page(gather(given)))
    assert "Do not rely" not in said() + str(first_page(gather(GIVEN)))


def test_diagnostics_stand_in_columns_with_their_verdicts() -> None:
    found = cells(section(), "Model checks")
    assert found["R-hat, largest (below 1.01)"] == ["1.004\u00a0ok"] * 3
    assert found["Losses by score: misses"] == ["0 of 3\u00a0ok", "0 of 3\u00a0ok", "–"]
    assert found["Prior sensitivity, largest (below 0.05)"][0] == "0.021\u00a0ok"
    assert found["Log score of left-out cells (PSIS-LOO)"][0] == f"−1{NARROW}148.5 (SE 37.5)"
    assert found["Left-out cells that needed a refit"][0] == f"2 of 2{NARROW}263"
    assert found["SD, scores × strata"] == ["0.41 [0.23,\u00a00.69]"] * 2 + ["–"]
    assert "FAILS" not in str(found)


@pytest.mark.parametrize(
    ("code", "of", "group", "reference", "value", "line", "sentence"),
    [
        ("rhat", "retention", "", "", 1.2, "R-hat", ""),
        ("divergences", "spend", "", "", 45.0, "Divergent transitions", ""),
        ("bfmi", "retention", "", "", math.nan, "BFMI", ""),
        ("predicted_losses", "retention", "2", "", 0.001, "Losses by score",
         "Retention, hazard: the model does not predict the losses of score 2."),
        ("predicted_spread", "spend", "9", "", 1.0, "Variation of amounts",
         "amounts of score 9 vary less than the model predicts, so its intervals of mean spend are too wide"),
        ("predicted_spread", "spend", "9", "", 0.0, "Variation of amounts", "score 9 vary more"),
        ("prior_sensitivity", "spend", "best", "worst", 0.2, "Prior sensitivity",
         "Spend: the estimates of scores 9–10 versus 1 depend on the priors as well as on the counts."),
    ],
)  # fmt: skip
def test_what_fails_is_marked_and_told(
    code: str, of: str, group: str, reference: str, value: float, line: str, sentence: str
) -> None:
    parts = section(failing(code, of, group, reference, value))
    found = {name: row for name, row in cells(parts, "Model checks").items() if name.startswith(line)}
    assert sum("FAILS" in cell for row in found.values() for cell in row) == 1
    told = str([part.items for part in parts if part.kind == "bullets"])
    assert sentence in told
    assert (told == "[]") == (sentence == "")


def test_the_page_of_diagnostics_leaves_the_posteriors_to_their_section() -> None:
    ours = diagnostics_pages(gather(GIVEN))
    assert "rhat" not in str(ours)
    assert "Bayesian section" in sentences(ours)
    assert "Bayesian" not in sentences(diagnostics_pages(gather(made_up.results())))


def test_priors_stand_once_with_their_reasons() -> None:
    priors = table(section(), "Prior distributions")
    lines = {(row[0], row[2]): (row[1], row[3]) for row in priors.rows}
    assert lines["SD, scores", "hazard, sBG, spend"] == (
        "gamma, mean 0.5",
        "Scores differ by factors of about e^±0.5",
    )
    assert (
        lines["Intercept", "hazard"][0] == "normal, mean −1.54, SD 1.56"
    )  # 95 % between log(−log) of 0.99 and 0.01
    assert lines["Intercept", "sBG"][1].startswith("Logit of the mean probability of leaving")
    # free levels, no waning, one cohort
    absent = {
        "Slope, worst to best score",
        "Increments over the scores",
        "Log half-life (years)",
        "SD, cohorts",
    }
    assert not absent & {row[0] for row in priors.rows}
    assert "Gamma distributions have shape 2" in priors.notes[0]
    monotone = {"score": {"column": "score", "scale": "1-10", "effect": "monotone"}}
    more = table(
        section(with_posteriors(monotone, cohorts=2, scenarios=("", "waning"))), "Prior distributions"
    )
    assert absent <= {row[0] for row in more.rows}
    assert "SD, scores" not in {row[0] for row in more.rows}
    assert "SD, polarisation by score" in {row[0] for row in more.rows}
    assert next(row[1] for row in more.rows if row[0] == "Increments over the scores") == "Dirichlet, 2 each"


def test_a_monotone_score_is_said_to_move_one_way_and_cited() -> None:
    given = with_posteriors({"score": {"column": "score", "scale": "1-10", "effect": "monotone"}})
    assert "monotone over the scores, in the direction that the counts suggest" in said(given)
    assert any(text.startswith("Bürkner") for text in cited([gather(given)]))
    assert not any(text.startswith("Bürkner") for text in cited([gather(GIVEN)]))
    assert "monotone" not in said()


def test_spend_alone_and_retention_alone_say_nothing_of_the_other() -> None:
    spend_only = said(with_posteriors({"subscription": None}, cohorts=2))
    for absent in (
        "etention",
        "tenure",
        "Kaplan",
        "horizon",
        "follow-up",
        "followed for",
        "losses",
        "sBG",
    ):
        assert absent not in spend_only, absent
    assert "Mean spend in 12 months" in spend_only
    stays_only = said(with_posteriors({"spend": None}))
    for absent in ("pend", "EUR", "amounts"):
        assert absent not in stays_only, absent
    assert [bool(bayes_methods(gather(g))) for g in (GIVEN, made_up.results())] == [True, False]


def test_a_cohort_that_nothing_is_adjusted_for_borrows_from_no_stratum() -> None:
    text = said(with_posteriors({"adjust": {"columns": ()}}))
    assert "shrunk towards those of the other scores (partial pooling)" in text
    assert "standardised" not in text
    assert "associations, adjusted for nothing" in text
    assert "adjusted for plan and region" in said()


def test_one_level_has_nothing_to_borrow_from() -> None:
    given = with_posteriors({"adjust": {"columns": ()}})
    alone = given.counts.cells["score"].eq(7).fillna(False)
    rows = given.estimates[given.estimates["group"].isin(["7", "all"]) & given.estimates["reference"].eq("")]
    text = said(made_up.altered(given, cells=given.counts.cells[alone], estimates=rows))
    assert "shrunk" not in text
    assert "an estimate of its own" not in text
    assert "differ most" not in text
    assert "all scores: hazard" in text.lower()
    assert given.bayesian is not None
    everybody = stacked(given.bayesian.curves).query("group == 'best'").assign(group="all")
    assert bayes_figures.groups_drawn(everybody) == ["all"]
    assert bayes_figures.groups_drawn(stacked(given.bayesian.curves)) == ["best", "worst"]


def test_no_posterior_of_spend_is_explained() -> None:
    rows = [check for check in posterior_checks(made_up.results()) if check.facts["of"] != "spend"]
    refused = {"of": "spend", "case": "spend", "reason": "nobody_spent"}
    rows.append(Check("not_fitted", "bayes", passed=False, facts=refused))
    given = with_posteriors(found=rows)
    kept = given.estimates[~(given.estimates["estimand"].eq("spend") & given.estimates["model"].eq("bayes"))]
    parts = section(replace(given, estimates=kept))
    assert (
        "There is no posterior of spend: no customer spent anything, so there are no amounts."
        in sentences(parts)
    )
    assert table(parts, "Model checks").header == [
        "Check",
        "Retention, hazard",
        "Retention, sBG",
    ]


@pytest.mark.long
def test_suppressed_groups_are_left_out_and_nothing_falls_over() -> None:
    ours = GIVEN.estimates["model"].isin(["bayes", "bayes_sbg"])
    blank = GIVEN.estimates.copy()
    hidden = ours & blank["group"].isin(["2", "worst", "1", str(UNSEEN)])
    blank.loc[hidden, ["estimate", "conf_low", "conf_high"]] = np.nan
    blank.loc[hidden, ["n"]] = pd.NA
    spec = made_up.results({"publish": {"smallest_cell": 700}}).spec
    found = cells(
        section(made_up.altered(GIVEN, estimates=blank, spec=spec)),
        "Retention after 12 months by score",
    )
    assert "2" not in found
    assert f"{UNSEEN} (predicted)" not in found
    assert "645" not in said(made_up.altered(GIVEN, estimates=blank, spec=spec))
    hidden_band = made_up.results({"publish": {"smallest_cell": 1300}}).spec  # 1,210 gave the worst
    figure = next(
        p for p in section(made_up.altered(GIVEN, estimates=blank, spec=hidden_band)) if p.kind == "figure"
    )
    assert "best: " in figure.alt
    assert "worst" not in figure.alt
    nothing = replace(GIVEN, estimates=_others(GIVEN.estimates))
    assert "Purpose" in sentences(section(nothing))


def test_the_figure_has_the_prior_pale_the_posterior_and_what_was_observed() -> None:
    assert GIVEN.bayesian is not None
    ax = bayes_figures.prior_retention(GIVEN.estimates, stacked(GIVEN.bayesian.curves), GIVEN.spec)
    pale = [band for band in ax.collections if band.get_label() == "prior"]
    assert len(pale) == 1
    low, high = (pale[0].get_paths()[0].vertices[:, 1].min(), pale[0].get_paths()[0].vertices[:, 1].max())
    assert (low, high) == pytest.approx((0.0, 100.0))
    dashed = [line for line in ax.lines if line.is_dashed() and line.get_linewidth() > 1]
    assert [float(line.get_xdata()[0]) for line in dashed] == [24.0, 24.0]
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [len(line.get_xdata()) for line in dots] == [24, 24]
    row = open_book(GIVEN.estimates).get("retention", "best", "kaplan_meier", 1, adjusted="standardised")
    assert row is not None
    assert float(dots[0].get_ydata()[0]) == pytest.approx(100 * row.estimate)
    assert ax.get_xlim()[1] == 60  # the first step of the ladder at twice 24
    assert bayes_figures.time_shown(0, 120.0, GIVEN.spec) == 12
    assert bayes_figures.time_shown(90, 120.0, GIVEN.spec) == 120


def test_the_prior_of_spend_lies_behind_the_posterior_means() -> None:
    assert GIVEN.bayesian is not None
    rows = [row for row in open_book(GIVEN.estimates).where("spend", model="bayes") if row.group.isdigit()]
    ax = bayes_figures.prior_spend(rows, stacked(GIVEN.bayesian.spend), GIVEN.spec, simulated=True)
    assert ax.get_yscale() == "log"
    assert ax.get_title("right") == "simulated customers"
    pale = [band for band in ax.collections if isinstance(band, PolyCollection)]
    ends = {
        (round(p.vertices[:, 1].min()), round(p.vertices[:, 1].max())) for b in pale for p in b.get_paths()
    }
    assert ends == {(20, 9000 + level) for level in range(1, 11)}
    means = [
        float(line.get_ydata()[0]) for line in ax.lines if line.get_marker() == "o" and len(line.get_ydata())
    ]
    assert means == pytest.approx([row.estimate for row in rows])
    below = stacked(GIVEN.bayesian.spend).assign(conf_low=-1.0)
    assert bayes_figures.prior_spend(rows, below, GIVEN.spec).get_yscale() == "linear"


def test_the_picture_says_what_it_shows() -> None:
    figure = next(part for part in section() if part.kind == "figure")
    assert figure.caption.startswith("Left: retention by the hazard model")
    assert "Right: posterior mean spend" in figure.caption
    assert "Grey band with a dotted line: " in figure.caption
    assert f"best: 69{NARROW}%" in figure.alt
    single = next(part for part in section(with_posteriors({"spend": None})) if part.kind == "figure")
    assert single.caption.startswith("Retention by the hazard model")
    assert GIVEN.bayesian is not None
    curves = stacked(GIVEN.bayesian.curves)
    short = replace(GIVEN.bayesian, curves=[curves.query("scenario == '' or time <= 24")])
    ended = next(part for part in section(replace(GIVEN, bayesian=short)) if part.kind == "figure")
    assert "Grey band with a dotted line, to the end of follow-up: " in ended.caption
    unknown = replace(GIVEN.bayesian, curves=[curves.query("scenario == ''")], spend=[])
    bare = next(part for part in section(replace(GIVEN, bayesian=unknown)) if part.kind == "figure")
    assert "Grey" not in bare.caption


def test_no_sentence_claims_a_cause() -> None:
    for given in (GIVEN, with_posteriors(cohorts=3, scenarios=("", "alone", "new_cohort", "waning"))):
        text = said(given)
        match = CAUSAL.search(text)
        assert match is None, text[max(match.start() - 60, 0) : match.end() + 60]
    assert squeezed("the main results do not use them") in squeezed(said())


def test_without_a_family_no_method_of_families_is_told() -> None:
    posteriors = GIVEN.estimates["model"].isin(["bayes", "bayes_sbg", "kaplan_meier"])
    told = str(methods_pages([gather(replace(GIVEN, estimates=GIVEN.estimates[posteriors]))]))
    assert "Bayesian models." in told
    assert "Parametric curves" not in told
    assert "Tenure. " not in told


def test_two_panels_share_one_legend_and_one_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(drawing, "svg", lambda ax: drawn.append(ax.get_figure()) or EMPTY)
    cohort = GIVEN.spec.cohort.model_copy(update={"simulated": True})
    section(made_up.altered(GIVEN, spec=GIVEN.spec.model_copy(update={"cohort": cohort})))
    left, right = drawn[0].axes
    assert left.get_legend() is not None
    assert right.get_legend() is None
    assert [ax.get_title("right") for ax in (left, right)] == ["", "simulated customers"]
