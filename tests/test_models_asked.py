"""Quick, standard and all models: what each leaves out, that none moves the headline, and that results are kept."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pypdf import PdfReader

import cxlink
from cxlink.analysis import analyse
from cxlink.checks import matching
from cxlink.cli.commands import run
from cxlink.cohort.count.counts import Counts, add_up
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort
from cxlink.display import Analysis
from cxlink.recall import MOST, fingerprint
from cxlink.report.check_notes import note
from cxlink.report.content import gather
from cxlink.report.document import Bullets, Notice, plain
from cxlink.report.sections.first_page import first_page

pytestmark = pytest.mark.usefixtures("few_families")
EXACT = {"check_exact": True}


def _counts(n: int = 400, plans: int = 2, **analysis: object) -> Counts:
    rng = np.random.default_rng(8)
    score = rng.integers(1, 6, n)
    months = np.minimum(rng.geometric(0.4 / (1 + score)), 9)
    rows = pd.DataFrame({
        "score": score, "months": months, "lost": months < 9, "plan": rng.integers(0, plans, n).astype(str),
        "spend": rng.gamma(2.0, 20.0 * score).round(2),
    })  # fmt: skip
    spec = make_spec({
        "score": {"column": "score", "scale": "1-5"}, "adjust": {"columns": ["plan"]},
        "subscription": {"duration": "months", "event": "lost"}, "spend": {"column": "spend", "complete": True},
        "analysis": {"draws": 100, "horizon": 6, "tenure_horizons": [6, 18], **analysis},
    })  # fmt: skip
    return read_cohort(rows, spec).count()


@pytest.fixture(scope="module")
def made(few_families: None) -> dict[str, Analysis]:
    return {models: analyse(_counts(), models=models) for models in ("quick", "standard", "all")}


def _first_page(analysis: Analysis) -> str:
    blocks = first_page(gather(analysis.results))
    notices = [plain(block.runs) for block in blocks if isinstance(block, Notice)]
    limits = next(block for block in blocks if isinstance(block, Bullets))
    return "\n".join([*notices, *map(plain, limits.items)])


def test_the_headline_is_the_same_to_the_last_digit(made: dict[str, Analysis]) -> None:
    expected = made["standard"].headline()
    assert set(expected["model"]) == {"kaplan_meier", "means"}
    for models in ("quick", "all"):
        pd.testing.assert_frame_equal(made[models].headline(), expected, **EXACT)


def test_quick_fits_no_model_and_stays_inside_follow_up(made: dict[str, Analysis]) -> None:
    quick, standard = made["quick"], made["standard"]
    assert set(quick.estimates["model"]) == {"kaplan_meier", "means"}
    assert quick.estimates.loc[quick.estimates["horizon"].notna(), "horizon"].max() <= 9
    assert (
        not len(quick.coefficients())
        + len(quick.families())
        + len(quick.results.projected)
        + len(quick.metrics())
    )
    same = standard.estimates["model"].isin(["kaplan_meier", "means"])
    further = standard.estimates["estimand"].isin(["e_value", "robustness_value", "tipping_point"])
    further |= standard.estimates["scenario"].str.startswith(("confounded_", "censored_"))
    theirs = standard.estimates[same & ~further].reset_index(drop=True)
    ours = quick.estimates[quick.estimates["estimand"] != "e_value"].reset_index(drop=True)
    pd.testing.assert_frame_equal(ours, theirs, **EXACT)


def test_only_all_has_families_and_the_rest_is_the_same(made: dict[str, Analysis]) -> None:
    standard, every = made["standard"], made["all"]
    assert not len(standard.families())
    assert {"weibull", "averaged"} <= set(every.families()["model"])
    pd.testing.assert_frame_equal(standard.estimates, every.estimates, **EXACT)
    assert {"grouped_ph", "poisson", "spliced"} <= set(standard.estimates["model"])
    assert not set(standard.coefficients()["model"]) & {"weibull", "exponential"}
    assert set(standard.checks()["model"]) < set(every.checks()["model"])


def test_the_argument_wins_over_the_spec_and_the_run_remembers_it(made: dict[str, Analysis]) -> None:
    assert made["quick"].spec.analysis.models == "quick"
    by_spec = analyse(_counts(models="quick"))
    pd.testing.assert_frame_equal(by_spec.estimates, made["quick"].estimates, **EXACT)
    assert set(analyse(_counts(models="quick"), models="standard").estimates["model"]) > {"means", "spliced"}


@pytest.mark.long
def test_an_additive_model_holds_a_quick_headline_where_it_holds_the_others() -> None:
    few = _counts(120, plans=6)  # four customers of a band in a stratum, on average
    quick, standard = (analyse(few, models=models).headline() for models in ("quick", "standard"))
    assert set(quick["model"]) == {"grouped_ph", "poisson"}
    pd.testing.assert_frame_equal(quick, standard, **EXACT)


def test_page_one_says_what_was_fitted_and_what_was_not(made: dict[str, Analysis]) -> None:
    quick, standard, every = (_first_page(made[models]) for models in ("quick", "standard", "all"))
    assert "Quick analysis" in quick
    for left in ("hazard ratios", "regressions of spend", "tenure beyond follow-up", "parametric families"):
        assert left in quick
    assert "Models fitted: standard" in standard
    assert "parametric families" in standard
    assert "hazard ratios" not in standard.partition("Models fitted")[2]
    assert "Models fitted: all" in every
    assert "parametric families" not in every.partition("Models fitted")[2]


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(InputError, match="'fast' is none of quick, standard, all"):
        analyse(_counts(), models="fast")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="quick fits no models"):
        analyse(_counts(), models="quick", bayes=True)


def test_the_same_counts_are_not_analysed_twice() -> None:
    counts, told = _counts(), []
    first = analyse(counts, told.append)
    parts, start = len(told), time.perf_counter()
    again = analyse(counts, told.append)
    assert time.perf_counter() - start < 0.5
    assert parts
    assert len(told) == parts
    pd.testing.assert_frame_equal(again.estimates, first.estimates, **EXACT)
    again.estimates["estimate"] = 0.0
    first.estimates["estimate"] = 1.0
    assert not analyse(counts).estimates["estimate"].isin([0.0, 1.0]).all()


def test_what_results_depend_on_is_in_the_fingerprint() -> None:
    counts = _counts()
    assert fingerprint(counts, "x") == fingerprint(_counts(), "x")
    more = counts.cells.assign(n=counts.cells["n"] + 1)
    spec = counts.spec.model_copy(update={"analysis": counts.spec.analysis.model_copy(update={"seed": 2})})
    changed = [
        cxlink.Counts(more, counts.spec, counts.profile), cxlink.Counts(counts.cells, spec, counts.profile),
        cxlink.Counts(counts.cells, counts.spec, counts.profile, suppressed=3),
    ]  # fmt: skip
    assert len({fingerprint(one) for one in (counts, *changed)}) == 4
    assert fingerprint("ab", "c") != fingerprint("a", "bc")
    assert MOST > 1


def test_fit_quick_writes_two_pages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(2)
    months = rng.integers(1, 20, 600)
    rows = {"nps": rng.integers(0, 11, 600), "months": months, "lost": months % 2, "paid": months * 10}
    pd.DataFrame(rows).to_csv(tmp_path / "t.csv", index=False)
    asked = ["fit", str(tmp_path / "t.csv"), "--score", "nps", "--scale", "0-10", "--duration", "months"]
    asked += ["--event", "lost", "--spend", "paid", "--complete", "true", "--draws", "200"]
    assert run([*asked, "--quick", f"--out={tmp_path}/run"]) == 0
    pages = PdfReader(tmp_path / "run" / "report.pdf").pages
    assert len(pages) == 2
    assert "Quick analysis" in " ".join(pages[0].extract_text().split())
    assert "Quick analysis" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert not {"families.csv", "coefficients.csv", "metrics.csv"} & {
        p.name for p in (tmp_path / "run").iterdir()
    }
    assert run([*asked, "--quick", "--models", "all", f"--out={tmp_path}/other"]) == 2
    assert "--quick is --models quick, and --models says all" in capsys.readouterr().err


@pytest.mark.parametrize("n", [1, 2, 3, 9])
def test_fewer_than_ten_customers_have_no_models(n: int) -> None:
    analysis = analyse(_counts(n, plans=1), models="all")
    assert set(analysis.estimates["model"]) <= {"kaplan_meier", "means"}
    assert set(analysis.families()["model"]) <= {"kaplan_meier"}
    for reason, models in (
        ("few_at_risk", {"spliced", "grouped_ph"}),
        ("few_customers", {"poisson", "gamma", "two_part", "log_ols"}),
    ):
        unfitted = matching(analysis.results.checks, code="not_fitted", reason=reason, passed=False)
        assert {check.model for check in unfitted} == models
        assert "fewer than ten customers" in note(unfitted[0])


def test_customers_who_were_never_followed_have_no_model_of_tenure() -> None:
    cells = _counts(40, plans=1).cells.assign(exit=0, cause="")
    analysis = analyse(replace(_counts(40, plans=1), cells=add_up(cells)))
    assert not {"kaplan_meier", "grouped_ph", "spliced"} & set(analysis.estimates["model"])
    assert "poisson" in set(analysis.estimates["model"])
    assert matching(analysis.results.checks, code="not_fitted", model="spliced", reason="few_at_risk")


def test_ten_customers_have_models() -> None:
    analysis = analyse(_counts(10, plans=1))
    assert {"spliced", "grouped_ph", "poisson"} <= set(analysis.estimates["model"])
    assert not matching(analysis.results.checks, code="not_fitted", reason=("few_at_risk", "few_customers"))


def test_value_is_of_customers_not_of_their_surveys() -> None:
    rows = [
        {"id": f"c{i}", "score": 1 + (3 * i + k) % 10, "asked": f"2023-0{1 + 3 * k}-10", "spent": 10.0 + i + k,
         "left": f"2023-1{i % 3}-01" if i % 2 else None}
        for i in range(8) for k in range(3)
    ]  # fmt: skip
    spec = {
        "cohort": {"id": "id", "repeat": "all"},
        "score": {"column": "score", "scale": "1-10"},
        "subscription": {"survey": "asked", "end": "left", "observed_until": "2025-01-31"},
        "spend": {"column": "spent"},
        "value": {"margin": 0.3},
    }
    analysis = analyse(read_cohort(pd.DataFrame(rows), spec))
    assert matching(analysis.results.checks, code="not_fitted", model="value", reason="few_at_risk")
    assert not matching(analysis.results.checks, code="not_fitted", model="spliced", reason="few_at_risk")
    assert "value" not in set(analysis.estimates["estimand"])
