"""A score that only those who stayed have: said, since retention by score then says nothing."""

import pandas as pd
import pytest

from cxlink import make_spec, read_cohort
from cxlink.cohort.count.profile import Remark

SPEC = make_spec({
    "score": {"column": "csat", "scale": "1-5"},
    "subscription": {"duration": "months", "event": "left", "unit": "month"},
})  # fmt: skip


def table(scored_lost: int, unscored_lost: int, unscored: int = 100) -> pd.DataFrame:
    """Two hundred customers with a score and some without, of whom so many are lost in month 3; the others stay 12."""
    gone = (
        [1] * scored_lost + [0] * (200 - scored_lost) + [1] * unscored_lost + [0] * (unscored - unscored_lost)
    )
    scores = [1 + k % 5 for k in range(200)] + [None] * unscored
    return pd.DataFrame({"csat": scores, "left": gone, "months": [3 if one else 12 for one in gone]})


def codes(frame: pd.DataFrame) -> list[str]:
    return [note.code for note in read_cohort(frame, SPEC).count().profile.notes]


def test_a_score_of_those_who_stayed_is_said() -> None:
    notes = read_cohort(table(0, 60), SPEC).count().profile.notes
    facts = {"column": "csat", "scored": 200, "losses": 60}
    assert Remark("scored_stayers", 100, facts=facts) in notes


@pytest.mark.parametrize(
    ("scored_lost", "unscored_lost", "unscored"),
    # one loss with a score; no more than chance: 200 · 4 / 100 = 8 expected; nobody without a score
    [(1, 60, 100), (0, 4, 100), (0, 0, 0)],
)
def test_what_may_be_chance_is_not(scored_lost: int, unscored_lost: int, unscored: int) -> None:
    assert "scored_stayers" not in codes(table(scored_lost, unscored_lost, unscored))
