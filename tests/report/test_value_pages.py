"""The report's section on customer lifetime value."""

import json
from dataclasses import asdict

import made_up
import numpy as np
import pandas as pd
import pytest

from cxlink.analysis import analyse
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort
from cxlink.display import Analysis
from cxlink.estimands.tidy import select
from cxlink.report.content import gather
from cxlink.report.sections.value_section import value_pages
from cxlink.results import Results


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    rng = np.random.default_rng(3)
    score = np.repeat([1, 2, 3, 4, 5], [40, 40, 40, 40, 4])
    frame = pd.DataFrame({"score": score, "spend": rng.gamma(4.0, 20.0, len(score)).round(2) + 30 * score})
    spec = make_spec({
        "score": {"column": "score", "scale": "1-5"}, "spend": {"column": "spend", "complete": True},
        "analysis": {"draws": 200}, "value": {"margin": 0.25, "discount": 0.0}, "publish": {"smallest_cell": 5},
    })  # fmt: skip
    return analyse(read_cohort(frame, spec))


def test_the_section_shows_value_by_score_and_says_what_it_stands_on(analysis: Analysis) -> None:
    parts = value_pages(gather(analysis.results), 1)
    assert parts[0].text == "Customer lifetime value (CLV)"
    text = json.dumps(parts, ensure_ascii=False, default=asdict)
    assert "Margin is assumed to be 25\u202f% of spend." in text
    assert "only the spend window of 12 months is counted" in text
    assert "The difference between scores is an association" in text
    (figure,) = (part for part in parts if part.kind == "figure")
    assert figure.name == "value-by-score"
    by_score = next(part for part in parts if part.kind == "table")
    values = select(analysis.estimates, estimand="value", given=0, scenario="").set_index("group")
    means = select(analysis.estimates, estimand="spend", model="means").set_index("group")
    published = [level for level in "12345" if values["estimate"].notna()[level]]
    assert published == ["3"]  # score 5 is small; others are withheld so that it does not follow from bands
    for level in published:
        assert values["estimate"][level] == pytest.approx(0.25 * means["estimate"][level], rel=1e-12)
        assert by_score.rows[int(level) - 1][-1].startswith(f"{values['estimate'][level]:.0f} [")
    assert by_score.rows[4][-1] == "–"  # four customers are too few to be shown


def test_the_example_costs_a_round_hundredth_of_the_cohorts_spend(analysis: Analysis) -> None:
    def example(results: Results) -> str:
        (command,) = (part for part in value_pages(gather(results), 1) if part.kind == "code")
        return command.lines[0]

    spent = select(analysis.estimates, estimand="spend", model="means", group="all")["estimate"].item()
    known = example(analysis.results)
    assert known.startswith("cxlink value RUN --move worst:best --fraction 0.2 --cost ")
    cost = float(known.split()[-1])
    assert cost == pytest.approx(164 * spent / 100, rel=0.5)
    assert cost == float(f"{cost:.0e}")
    estimates = analysis.results.estimates.copy()
    estimates.loc[estimates["estimand"] == "spend", ["estimate", "conf_low", "conf_high"]] = np.nan
    assert example(made_up.altered(analysis.results, estimates=estimates)).endswith("--cost COST")


def test_a_report_without_a_value_has_no_such_section(analysis: Analysis) -> None:
    plain = made_up.altered(analysis.results, spec=analysis.spec.model_copy(update={"value": None}))
    assert value_pages(gather(plain), 1) == []


def test_the_figure_names_its_currency_and_its_span(analysis: Analysis) -> None:
    assert analysis.value_by_score().get_ylabel() == "Customer lifetime value\nover 12 months (EUR)"
