"""Anchors of older cohorts, from the command line to the report: shares, run folders, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxlink import analyse, load_run
from cxlink.anchor_runs import with_anchors
from cxlink.checks import matching
from cxlink.cli.commands import run
from cxlink.cohort.count.counts import FORMAT, Counts, save_counts, suppress
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import make_spec, merged
from cxlink.cohort.table import read_cohort
from cxlink.report.content import gather
from cxlink.report.sections.tenure_section import tenure_pages
from cxlink.runs import read_run, write_record
from cxlink.verbs import value_of

pytestmark = pytest.mark.long

SPEC = {
    "cohort": {"name": "new"},
    "score": {"column": "score", "scale": "1-3"},
    "subscription": {"duration": "months", "event": "lost"},
    "spend": {"column": "spend", "complete": True},
    "value": {"margin": 0.3},
    "adjust": {"columns": ["plan"]},
    "analysis": {"draws": 200, "horizon": 6, "tenure_horizons": [12, 48], "given": [6]},
}


def table(seed: int, n: int, followed: int, plans: tuple[str, ...] = ("a", "b")) -> pd.DataFrame:
    """Customers of whom 5 % or so are lost in a month."""
    rng = np.random.default_rng(seed)
    score, plan = rng.integers(1, 4, n), rng.integers(0, len(plans), n)
    stay = np.ceil(rng.exponential(20 * np.exp(0.2 * (score - 2) - 0.3 * plan))).astype(int)
    return pd.DataFrame({
        "score": score, "plan": np.array(plans)[plan], "months": np.minimum(stay, followed),
        "lost": (stay <= followed).astype(int), "spend": rng.gamma(2, 50, n).round(2),
    })  # fmt: skip


def counted(seed: int, n: int, followed: int, *anchors: str, **sections: object) -> Counts:
    spec = merged(SPEC, {"analysis": {"anchors": list(anchors)} if anchors else {}, **sections})  # type: ignore[dict-item]
    plans = ("a", "b") if seed < 100 else ("c", "b")
    return read_cohort(table(seed, n, followed, plans), make_spec(spec)).count()


def run_of(counts: Counts, folder: Path) -> str:
    """Write what an anchor reads of a run folder."""
    folder.mkdir()
    save_counts(counts, folder / "counts.parquet")
    write_record(folder, {"format": FORMAT})
    return str(folder)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> str:
    counts = counted(2, 4000, 40, cohort={"name": "old"})
    return run_of(counts, tmp_path_factory.mktemp("runs") / "old")


@pytest.fixture(scope="module")
def fitted(old: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with both forms, fitted from the command line."""
    folder = tmp_path_factory.mktemp("fit")
    table(1, 3000, 12).to_csv(folder / "new.csv", index=False)
    (folder / "spec.toml").write_text(
        '[cohort]\nname = "new"\n[score]\ncolumn = "score"\nscale = "1-3"\n[subscription]\nduration = "months"\n'
        'event = "lost"\n[spend]\ncolumn = "spend"\ncomplete = true\n[value]\nmargin = 0.3\n[adjust]\n'
        'columns = ["plan"]\n[analysis]\ndraws = 200\nhorizon = 6\ntenure_horizons = [12, 48]\ngiven = [6]\n'
        f"anchors = ['2019:48=0.1 of 1200', '{old}']\n"
    )
    out = folder / "run"
    assert (
        run(
            [
                "fit",
                str(folder / "new.csv"),
                "--spec",
                str(folder / "spec.toml"),
                "--out",
                str(out),
                "--quiet",
            ]
        )
        == 0
    )
    return out


def test_a_run_holds_its_anchors_and_says_what_was_written(fitted: Path, old: str) -> None:
    record = json.loads((fitted / "run.json").read_text())
    assert record["spec"]["analysis"]["anchors"] == ["2019:48=0.1 of 1200", old]
    # 22 is half way from 12 to 40, on the scale of log time; all customers of each score, for 48 months in all
    first, *others = record["anchors"]
    assert first == "2019:48=0.1 of 1200"
    labels = [f"old[{score}]:12-{period}" for score in (1, 2, 3) for period in (22, 40)]
    assert [one.partition("=")[0] for one in others] == labels
    counts = read_run(fitted)
    assert counts.anchors == ("2019:48=0.1 of 1200", old)
    assert list(counts.spec.analysis.anchors or ()) == record["anchors"]
    # the folder of the older cohort is not needed again
    assert with_anchors(counts) is counts
    assert "standardised to the strata of this cohort" in " ".join(record["notes"])


def test_checks_say_which_were_used_and_what_they_changed(fitted: Path) -> None:
    made = load_run(fitted)
    used = matching(made.results.checks, code="anchor", case="used")
    assert [(one.get("label"), one.group) for one in used][:2] == [("2019", "all"), ("old", "1")]
    assert all(one.low < one.value < one.high for one in used)
    (draws,) = matching(made.results.checks, code="anchor_draws")
    assert draws.passed
    assert 100 < draws.value <= 200
    (effect,) = matching(made.results.checks, code="anchor_effect")
    row = made.pick("tenure", group="all", horizon=48, adjusted="no").iloc[0]
    assert effect.value == pytest.approx(row["estimate"], rel=1e-8)
    wider = effect.facts["without_high"] - effect.facts["without_low"]  # type: ignore[operator]
    assert effect.high - effect.low < 0.8 * wider
    bare = analyse(counted(1, 3000, 12)).pick("tenure", group="all", horizon=48, adjusted="no").iloc[0]
    assert effect.facts["without"] == pytest.approx(bare["estimate"], rel=1e-8)
    assert effect.facts["without_low"] == pytest.approx(bare["conf_low"], rel=1e-8)


def test_the_section_on_tenure_says_it_in_one_sentence(fitted: Path) -> None:
    said = str(tenure_pages(gather(load_run(fitted).results)))
    assert (
        "conditioned on the cohort 2019 (10\\u202f% stayed 48 months) and the cohort old: with that" in said
    )
    assert "Not used as an anchor" not in said


def test_value_and_compare_take_anchored_runs(fitted: Path, old: str, tmp_path: Path) -> None:
    priced = value_of(fitted, move="1:3", cost=10.0, horizon=48)
    assert np.isfinite(priced.estimates["estimate"]).any()
    assert run(["compare", str(fitted), old, "--out", str(tmp_path / "both"), "--quiet"]) == 0
    # the same curve: what customers are worth moves with the anchors
    bare = value_of(counted(1, 3000, 12), move="1:3", cost=10.0, horizon=48)
    both = [
        one.estimates.query("estimand == 'value' and group == '3' and scenario == ''")["estimate"].iloc[0]
        for one in (priced, bare)
    ]
    assert both[0] != pytest.approx(both[1], rel=1e-4)


def test_a_contradiction_is_said_and_changes_nothing() -> None:
    plain = counted(1, 3000, 12)
    told = counted(1, 3000, 12, "typo:36=0.97")
    made, bare = analyse(told), analyse(plain)
    (outside,) = matching(made.results.checks, code="anchor", case="outside")
    assert (outside.passed, outside.value) == (False, 0.97)
    assert not matching(made.results.checks, code="anchor_effect")
    pd.testing.assert_frame_equal(made.estimates, bare.estimates)
    assert "Not used as an anchor: the cohort typo." in str(tenure_pages(gather(made.results)))


def test_a_quick_analysis_says_that_it_uses_none() -> None:
    made = analyse(counted(1, 300, 12, "2019:36=0.2"), models="quick")
    (unused,) = matching(made.results.checks, code="unused_key", key="[analysis] anchors")
    assert unused.get("case") == "quick"


def test_other_strata_or_another_scale_are_read_raw_or_whole(tmp_path: Path) -> None:
    cases = {
        "anchor_levels_raw": counted(102, 4000, 40, cohort={"name": "older"}),
        "anchor_whole_standardised": counted(
            2, 4000, 40, cohort={"name": "older"}, score={"column": "score", "scale": "1-5"}
        ),
        "anchor_levels_plain": counted(2, 4000, 40, cohort={"name": "older"}, adjust={"columns": []}),
    }
    for code, older in cases.items():
        folder = run_of(older, tmp_path / code)
        adjust = {"columns": [] if code.endswith("plain") else ["plan"]}
        read = with_anchors(counted(1, 3000, 12, folder, adjust=adjust))
        assert [one.code for one in read.profile.notes if one.code.startswith("anchor")] == [code]
        groups = {one.group for one in read.spec.anchors}
        assert groups == ({"all"} if "whole" in code else {"1", "2", "3"})


def test_levels_of_few_customers_are_read_together(tmp_path: Path) -> None:
    older = counted(2, 250, 40, cohort={"name": "older"}, adjust={"columns": []})
    read = with_anchors(counted(1, 3000, 12, run_of(older, tmp_path / "run"), adjust={"columns": []}))
    assert {one.group for one in read.spec.anchors} == {"all"}
    assert [one.code for one in read.profile.notes] == ["anchor_whole_plain"]


REFUSED = {
    "inside": (["2019:12=0.5"], {}, r"2019 at period 12 lies inside follow-up, which lasts to 12: .* later period"),
    "nobody": (
        ["2019[5]:36=0.5"], {"score": {"column": "score", "scale": "1-5"}},
        r"nobody .* 2019\[5\]\. Leave it out",
    ),
    "nowhere": (["nowhere"], {}, r"nowhere: not a run folder .* `cxlink fit` writes one"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_an_anchor_is_refused(case: str) -> None:
    anchors, sections, complaint = REFUSED[case]
    with pytest.raises(InputError, match=complaint) as caught:
        with_anchors(counted(1, 3000, 12, *anchors, **sections))
    assert "\n" not in str(caught.value)


def test_runs_that_cannot_be_anchors_are_refused(tmp_path: Path, old: str) -> None:
    older = read_run(Path(old))
    weeks = {"duration": "months", "event": "lost", "unit": "week"}
    named = make_spec(merged(SPEC, {"cohort": {"name": "2019"}}))
    cases = {
        "weeks": (
            counted(2, 900, 40, subscription=weeks),
            r"counts weeks since survey, this cohort months since",
        ),
        "small": (suppress(older, 5), r"small cells were left out .* Fit the cohort without"),
        "young": (
            counted(3, 900, 12, cohort={"name": "young"}),
            r"12 months, no longer than this cohort \(12\)",
        ),
        "named": (replace(older, spec=named), r"an anchor named 2019 is there already"),
        "same": (counted(1, 3000, 12, cohort={"name": "again"}), r"the same customers as in the table"),
    }
    spend = {key: value for key, value in SPEC.items() if key not in ("subscription", "value")}
    alone = read_cohort(table(2, 300, 40), make_spec({**spend, "analysis": {}})).count()
    cases["spend"] = (alone, r"no \[subscription\], so it says nothing of retention")
    for name, (counts, complaint) in cases.items():
        folder = run_of(counts, tmp_path / name)
        with pytest.raises(InputError, match=complaint) as caught:
            with_anchors(counted(1, 3000, 12, "2019:36=0.3", folder))
        assert "\n" not in str(caught.value)
    (tmp_path / "young" / "counts.parquet").write_bytes(b"changed")
    with pytest.raises(InputError, match=r"counts.parquet is not as it was written\. Fit the cohort again"):
        with_anchors(counted(1, 3000, 12, str(tmp_path / "young")))
    with pytest.raises(InputError, match=r"an anchor named old is there already"):
        with_anchors(counted(1, 3000, 12, old, old))
