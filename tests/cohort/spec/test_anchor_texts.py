"""Anchors in the spec: what is read of them, and what is refused."""

import pytest

from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.anchor_texts import Anchor, is_stated, run_folders, stated_anchor, stated_anchors
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec


def spec_with(*anchors: str, **sections: object) -> CohortSpec:
    tables = {
        "score": {"column": "score", "scale": "1-5"},
        "subscription": {"duration": "months", "event": "lost"},
        "analysis": {"anchors": list(anchors)},
    }
    return make_spec({**tables, **sections})


@pytest.mark.parametrize(
    ("text", "anchor"),
    [
        ("2019:60=0.31", Anchor("2019", "all", 0, 60, 0.31)),
        ("2019:60=0.31 of 1200", Anchor("2019", "all", 0, 60, 0.31, 1200)),
        (" spring 2019 : 60 = 0.31 ", Anchor("spring 2019", "all", 0, 60, 0.31)),
        ("2019[4-5]:60=.45", Anchor("2019", "4-5", 0, 60, 0.45)),
        ("2019[worst]:12-60=0.52 of 700.5", Anchor("2019", "worst", 12, 60, 0.52, 700.5)),
    ],
)
def test_a_share_is_read_and_written_back(text: str, anchor: Anchor) -> None:
    assert stated_anchor(text) == anchor
    assert stated_anchor(anchor.text()) == anchor


def test_what_is_no_share_names_a_run_folder() -> None:
    texts = ("runs/2019", "2019:60=0.31", "C:\\runs\\year=2019", "runs/year=2019", "2019=0.31")
    assert [is_stated(text) for text in texts] == [False, True, False, False, False]
    assert run_folders(texts) == ("runs/2019", "C:\\runs\\year=2019", "runs/year=2019", "2019=0.31")
    spec = spec_with("runs/2019", "2019:60=0.31")
    assert spec.anchors == stated_anchors(["2019:60=0.31"])
    assert spec.analysis.anchors == ("runs/2019", "2019:60=0.31")


def test_a_spec_without_anchors_does_not_speak_of_them() -> None:
    spec = make_spec({"score": {"column": "s", "scale": "1-5"}, "spend": {"column": "y", "complete": True}})
    assert spec.anchors == ()
    assert "anchors" not in spec.model_dump(mode="json", exclude_none=True)["analysis"]


@pytest.mark.parametrize(
    ("anchors", "complaint"),
    [
        (["2019:60=31"], r"'2019:60=31' has a share of 31: write one between 0 and 1, such as 0.31"),
        (["2019:60=0"], r"has a share of 0: write one between 0 and 1"),
        (["2019:60=0,31"], r"'2019:60=0,31' is not LABEL:PERIOD=SHARE or LABEL:PERIOD=SHARE of CUSTOMERS"),
        (["2019:60=0.31 customers"], r"is not LABEL:PERIOD=SHARE"),
        (["2019:60-12=0.31"], r"ends before it starts: write START-PERIOD, such as 12-60"),
        (["2019:60=0.31 of 0"], r"was seen on 0 customers: write one or more, or leave them out"),
        (["a:60=0.3", "a:72=0.4"], r"a rises from 0.3 at period 60 to 0.4 at 72.*Correct one of them"),
        (["a:60=0.3", "a:60=0.3 of 9"], r"a is given twice for period 60: leave one out"),
        ([" "], r"an anchor is empty: write LABEL:PERIOD=SHARE, or name a run folder"),
        (["2019[7]:60=0.3"], r"2019\[7\]: '7' leaves the scale 1-5"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_with_the_cure(anchors: list[str], complaint: str) -> None:
    with pytest.raises(InputError, match=r"spec: \[analysis\] anchors: .*" + complaint) as caught:
        spec_with(*anchors)
    assert "\n" not in str(caught.value)


def test_other_shares_of_a_cohort_may_be_higher() -> None:
    # of another group, from another start, of another cohort
    assert len(spec_with("a:60=0.3", "a[5]:72=0.4", "a:12-72=0.6", "b:72=0.5").anchors) == 4


def test_anchors_need_a_subscription() -> None:
    spend = {"column": "y", "complete": True}
    tables = {"score": {"column": "s", "scale": "1-5"}, "spend": spend, "analysis": {"anchors": ["a:60=0.3"]}}
    with pytest.raises(InputError, match=r"\[analysis\] anchors needs \[subscription\]"):
        make_spec(tables)
