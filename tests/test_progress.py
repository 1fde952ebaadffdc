"""How far long work is: the share of a plan, and a line in a notebook that somebody looks at, else nothing."""

import re
import sys
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from cohorts import spec_for

import cxlink
from cxlink.progress import WEIGHTS, following, planned, telling
from cxlink.report.words import say
from cxlink.stages import Stage


def test_the_fraction_is_the_weight_of_what_is_done() -> None:
    done = following(("counting", "headline", "writing"))
    whole = WEIGHTS["counting"] + WEIGHTS["headline"] + WEIGHTS["writing"]
    assert done(Stage("counting")) == 0
    assert done(Stage("headline")) == pytest.approx(WEIGHTS["counting"] / whole, abs=1e-12)
    assert done(Stage("checking_spend")) is None
    half = following(("counting", "sampling_spend"))(Stage("sampling_spend", {"share": 0.5}))
    expected = (WEIGHTS["counting"] + WEIGHTS["sampling_spend"] / 2) / (
        WEIGHTS["counting"] + WEIGHTS["sampling_spend"]
    )
    assert half == pytest.approx(expected, abs=1e-12)


def test_a_stage_that_stands_twice_is_passed_twice() -> None:
    plan = ("headline", "tenure", "headline", "tenure")
    done = following(plan)
    assert [done(Stage(code)) for code in plan] == pytest.approx([0, 1 / 8, 4 / 8, 5 / 8], abs=1e-12)


def test_the_plan_is_what_the_spec_lets_be_fitted() -> None:
    both = spec_for(4, ("plan",), spend=True)
    assert planned(both) == (
        "headline", "from_signup", "tenure", "regressions", "hazards", "sensitivity", "metrics",
    )  # fmt: skip
    assert planned(spec_for(4, models="quick")) == ("headline", "from_signup")
    assert "families" in planned(spec_for(4, models="all"))
    assert {"sampling_retention", "sampling_spend"} <= set(planned(both, bayes=True))
    done = following(planned(both))
    fractions = [done(Stage(code)) for code in planned(both)]
    assert fractions == sorted(fractions)
    assert set(planned(both, bayes=True)) <= set(WEIGHTS)


def _notebook(monkeypatch: pytest.MonkeyPatch, answers: bool) -> list[dict[str, Any]]:
    """A notebook whose front end can be asked, or not, and what is published in it."""
    published: list[dict[str, Any]] = []
    shell = SimpleNamespace(
        kernel=SimpleNamespace(_allow_stdin=answers),
        display_pub=SimpleNamespace(publish=lambda data, **about: published.append({"data": data, **about})),
    )
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    return published


def test_a_notebook_has_one_line_with_the_share_and_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    published = _notebook(monkeypatch, answers=True)
    clock = iter([0.0, 6.0, 30.0, 30.1])
    monkeypatch.setattr("cxlink.progress.time.monotonic", lambda: next(clock))
    with telling(None, ("headline", "tenure")) as told:
        told(Stage("headline"))
        told(Stage("tenure"))
        told(Stage("tenure"))
    first, headline, tenure, last = (one["data"]["text/plain"].replace("\u202f", " ") for one in published)
    assert first == "starting: 0 % done, – left"
    assert headline == f"{say('progress.headline')}: 0 % done, – left"
    assert tenure == "expected tenure: 25 % done, 1:30 left"
    assert last == ""
    assert len({one["transient"]["display_id"] for one in published}) == 1
    assert [one.get("update", False) for one in published] == [False, True, True, True]
    assert '<progress max="1" value="0.250">' in published[2]["data"]["text/html"]


def test_nothing_is_shown_where_a_program_runs_the_notebook_or_somebody_else_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published, heard = _notebook(monkeypatch, answers=False), list[Stage]()
    with telling(None, ("headline",)) as told:
        told(Stage("headline"))
    published += _notebook(monkeypatch, answers=True)
    with telling(heard.append, ("headline",)) as told:
        told(Stage("headline"))
    assert published == []
    assert heard == [Stage("headline")]
    monkeypatch.delitem(sys.modules, "IPython")
    with telling(None, ("headline",)) as told:
        told(Stage("headline"))


def test_the_line_goes_where_the_work_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    published = _notebook(monkeypatch, answers=True)
    with pytest.raises(ValueError, match="no"), telling(None, ("headline",)):
        raise ValueError("no")
    assert published[-1]["data"] == {"text/plain": "", "text/html": ""}


def test_an_analysis_shows_its_stages_in_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    published = _notebook(monkeypatch, answers=True)
    rows = pd.DataFrame({"score": [1, 1, 2, 9, 9, 10] * 5, "spend": [0.0, 50, 70, 100, 120, 140] * 5})
    spend = {"column": "spend", "currency": "EUR", "complete": True}
    spec = cxlink.make_spec(
        {"score": {"column": "score", "scale": "1-10"}, "spend": spend, "analysis": {"draws": 100}}
    )
    cxlink.analyse(cxlink.read_cohort(rows, spec))
    shares = [re.search(r"(\d+)\W% done", one["data"]["text/plain"]) for one in published]
    said = [int(one[1]) for one in shares if one is not None]
    assert len(said) == 5
    assert said == sorted(said)
    assert said[-1] > 50


def test_a_kernel_sends_the_line_to_a_front_end_and_none_to_a_program() -> None:
    from jupyter_client.manager import start_new_kernel

    code = (
        "from cxlink.progress import telling\nfrom cxlink.stages import Stage\n"
        "with telling(None, ('headline', 'tenure')) as told:\n    told(Stage('tenure'))"
    )
    manager, client = start_new_kernel(kernel_name="python3")
    sent: list[tuple[str, str]] = []

    def hook(message: dict[str, Any]) -> None:
        if message["msg_type"] in ("display_data", "update_display_data"):
            sent.append((message["msg_type"], message["content"]["data"]["text/plain"]))

    try:
        client.execute_interactive(code, allow_stdin=False, output_hook=hook, timeout=120)
        assert sent == []
        client.execute_interactive(code, allow_stdin=True, output_hook=hook, timeout=120)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert [kind for kind, _ in sent] == ["display_data", *["update_display_data"] * 2]
    assert "expected tenure" in sent[1][1]
    assert sent[2][1] == ""
