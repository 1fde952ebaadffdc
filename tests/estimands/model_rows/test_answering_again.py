"""Whether customers answer again as often after the scores that surveys fell to as after those they fell from."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.estimands.model_rows.answering_again import answering_again
from validation.survey_laws import SurveyLaw, survey_counts, survey_laws, survey_spec

LAWS = survey_laws()


def _cells(*rows: tuple[int, int | None, int, str, int, int]) -> Counts:
    """Counts of score, score before, exit, cause, bucket and number; second surveys are under six months later."""
    cells = pd.DataFrame(list(rows), columns=["score", "previous", "exit", "cause", "bucket", "n"])
    cells = cells.astype({"score": "Int64", "previous": "Int64"})
    first = cells["previous"].isna()
    cells["stratum.previous_score"] = cells["previous"].astype("string").fillna("first")
    cells["stratum.survey_number"] = np.where(first, "1", "2")
    cells["stratum.since_last_survey"] = np.where(first, "first", "<6")
    return Counts(cells.assign(entry=0, wave=""), survey_spec(), Profile("surveys", 1, 1))


BY_HAND = (
    # of ten customers each who gave 5 and 3 first, 8 and 4 answered again; one of the 3s left in the fifth month
    (5, None, 10, "", 0, 5), (5, None, 10, "", 1, 5), (3, None, 10, "", 0, 5), (3, None, 10, "", 1, 4),
    (3, None, 5, "lost", 1, 1),
    (3, 5, 6, "", 0, 3), (5, 5, 6, "", 0, 1), (3, 5, 6, "", 1, 3), (5, 5, 6, "", 1, 1),
    (3, 3, 6, "", 0, 3), (3, 3, 6, "", 1, 1),
)  # fmt: skip


def test_shares_and_their_interval_are_those_worked_by_hand() -> None:
    found = answering_again(_cells(*BY_HAND))
    assert found is not None
    assert found.surveys == 6
    assert (found.fallen_to, found.fallen_from) == pytest.approx((0.4, 0.8), abs=1e-12)
    # at the earliest time 4 of 10 and 8 of 10; at the latest, nine of the 3s are left
    ends = []
    for of_3, buckets in ((10, (3 - 0.4 * 5, 1 - 0.4 * 5)), (9, (3 - 4 / 9 * 5, 1 - 4 / 9 * 4))):
        # of the 5s four answered in either bucket, which is their share
        moved = np.array(buckets) / of_3
        width = student.ppf(0.975, 1) * np.sqrt(2 * np.sum(moved**2))
        ends.append((4 / of_3 - 0.8 - width, 4 / of_3 - 0.8 + width))
    assert (found.low, found.high) == pytest.approx((ends[0][0], max(ends[0][1], ends[1][1])), abs=1e-9)
    assert not found.differs


def test_nothing_is_compared_without_falls_or_buckets() -> None:
    assert answering_again(_cells(*(row for row in BY_HAND if row[:2] != (3, 5)))) is None
    counts = _cells(*BY_HAND)
    assert answering_again(Counts(counts.cells.drop(columns="bucket"), counts.spec, counts.profile)) is None


def test_a_scale_that_is_turned_gives_the_same() -> None:
    law, spec = LAWS["eager"], survey_spec()
    surveys = law.surveys(2_000, np.random.default_rng(2))
    turned = make_spec(spec.model_dump(exclude_defaults=True) | {"score": {
        "column": "score", "scale": "1-5", "higher_is_better": False, "worst": [5], "best": [1],
    }})  # fmt: skip
    other = surveys.assign(
        score=6 - surveys["score"], last=(6 - surveys["last"]).mask(surveys["last"] == 0, 0)
    )
    one, two = answering_again(survey_counts(surveys, spec)), answering_again(survey_counts(other, turned))
    assert one is not None
    assert two is not None
    for name in ("surveys", "fallen_to", "fallen_from", "low", "high"):
        assert getattr(one, name) == pytest.approx(getattr(two, name), abs=1e-12)


def test_without_bands_every_time_up_to_the_end_counts() -> None:
    counts = _cells(*BY_HAND)
    spec = counts.spec.model_copy(
        update={"adjust": counts.spec.adjust.model_copy(update={"bands": {"since_last_survey": ()}})}
    )
    cells = counts.cells.drop(columns="stratum.since_last_survey")
    found, banded = answering_again(Counts(cells, spec, counts.profile)), answering_again(counts)
    assert found is not None
    assert banded is not None
    assert (found.low, found.high) == pytest.approx((banded.low, banded.high), abs=1e-12)


def _differ(law: SurveyLaw, customers: int, cohorts: int) -> float:
    rng = np.random.default_rng(11)
    found = [answering_again(law.drawn(customers, rng)) for _ in range(cohorts)]
    return float(np.mean([one is not None and one.differs for one in found]))


@pytest.mark.long
@pytest.mark.parametrize("name", ["eager", "aggrieved"])
def test_where_customers_answer_again_by_their_score_that_is_seen(name: str) -> None:
    assert _differ(LAWS[name], 3_000, 20) >= 0.95


@pytest.mark.long
@pytest.mark.parametrize(
    "law", [LAWS["planted"], SurveyLaw("strong", "", fall=1.2, trait=1.0)], ids=lambda law: law.name
)
def test_losses_that_follow_the_score_are_not_taken_for_silence(law: SurveyLaw) -> None:
    """Customers of a low score leave before they are asked: where all answer alike a fall is still called alarming."""
    assert _differ(law, 5_000, 20) <= 0.05
