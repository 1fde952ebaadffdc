"""Nothing about a small group follows from what is published: the attack by subtraction, tried on our own tables."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cxlink
from cxlink.cohort.count import complementary
from cxlink.cohort.count.complementary import Published, complement, withheld
from cxlink.cohort.count.small_cells import too_few
from cxlink.estimands.csv_tables import read_csv
from cxlink.metrics.metric_suppression import blank_small_metrics

SMALL = 10
SIZES = {(1, "a"): 4, (1, "b"): 3, (2, "a"): 60, (2, "b"): 5, (3, "a"): 80, (3, "b"): 90, (4, "a"): 70, (4, "b"): 40,
         (5, "a"): 100, (5, "b"): 85}  # fmt: skip


def _customers() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    rows = [(score, plan) for (score, plan), n in SIZES.items() for _ in range(n)]
    frame = pd.DataFrame(rows, columns=["score", "plan"])
    return frame.assign(spend=np.where(frame["score"] == 1, 91357.0, rng.integers(20, 90, len(frame)) * 1.0))


def _spec(smallest: int) -> cxlink.CohortSpec:  # type: ignore[name-defined]
    return cxlink.make_spec({
        "score": {"column": "score", "scale": "1-5", "worst": [1, 2]}, "spend": {"column": "spend", "complete": True},
        "adjust": {"columns": ["plan"]}, "metrics": {"segments": ["plan"]}, "analysis": {"draws": 100},
        "report": {"formats": ["html"]}, "publish": {"smallest_cell": smallest},
    })  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("small")
    for smallest in (0, SMALL):
        analysis = cxlink.analyse(cxlink.read_cohort(_customers(), _spec(smallest)))
        analysis.write(place / f"run{smallest}")
    return place


LEVELS = {**{str(k): (k,) for k in range(1, 6)}, "worst": (1, 2), "best": (5,), "all": (1, 2, 3, 4, 5)}


def _sums(table: pd.DataFrame, estimand: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What an attacker makes of a table: which cells each published mean is a sum of, their customers, their sum."""
    own = table[(table["estimand"] == estimand) & (table["reference"] == "") & (table["adjusted"] == "no")]
    own = own[own["estimate"].notna() & own["group"].isin(LEVELS) & (own["scenario"] == "")]
    sets = np.array([
        [score in LEVELS[row.group] and row.stratum in ("", f"plan={plan}") for score, plan in SIZES]
        for row in own.itertuples()
    ], dtype=float).reshape(len(own), len(SIZES))  # fmt: skip
    n = own["n"].astype(float).to_numpy()
    return sets, n, n * own["estimate"].astype(float).to_numpy()


def _told(sets: np.ndarray) -> list[tuple[str, str]]:
    """Small groups whose sum is a combination of the published ones, by the rank of the equations."""
    found = []
    for group, levels in LEVELS.items():
        for stratum in ("", "plan=a", "plan=b"):
            one = np.array([s in levels and stratum in ("", f"plan={p}") for s, p in SIZES], dtype=float)
            size = one @ np.array(list(SIZES.values()))
            rank = np.linalg.matrix_rank(sets) if len(sets) else 0
            if size < SMALL and np.linalg.matrix_rank(np.vstack([sets, one])) == rank:
                found.append((group, stratum))
    return found


def test_a_script_that_subtracts_recovers_nobody(folder: Path) -> None:
    for name in ("estimates", "families"):
        path = folder / f"run{SMALL}" / f"{name}.csv"
        if path.is_file():
            sets, n, _ = _sums(read_csv(path), "spend")
            assert _told(sets) == []
            assert (n >= SMALL).all()
    # the same script finds them where nothing is withheld, and where the small ones alone are
    sets, n, sums = _sums(read_csv(folder / "run0" / "estimates.csv"), "spend")
    assert {("1", ""), ("1", "plan=b"), ("2", "plan=b")} <= set(_told(sets))
    large = n >= SMALL
    assert ("1", "") in _told(sets[large])
    weights = np.linalg.lstsq(sets[large].T, np.array([s == 1 for s, _ in SIZES], dtype=float), rcond=None)[0]
    assert weights @ sums[large] / (weights @ n[large]) == pytest.approx(91357.0)


def test_something_is_still_published(folder: Path) -> None:
    sets, n, _ = _sums(read_csv(folder / f"run{SMALL}" / "estimates.csv"), "spend")
    assert sum(SIZES.values()) in n
    assert len(sets) >= 6


def test_contrasts_and_coefficients_of_what_is_withheld_are_blank(folder: Path) -> None:
    run = folder / f"run{SMALL}"
    table = read_csv(run / "estimates.csv")
    own = table[(table["reference"] == "") & (table["estimand"] == "spend") & (table["stratum"] == "")]
    hidden = set(own.loc[own["estimate"].isna(), "group"])
    assert "1" in hidden
    assert len(hidden & set("2345")) >= 1
    contrasts = table[(table["reference"] != "") & (table["stratum"] == "")]
    about = contrasts["group"].isin(hidden) | contrasts["reference"].isin(hidden)
    assert contrasts.loc[about, "estimate"].isna().all()
    terms = read_csv(
        run / "coefficients.csv", ("model", "adjusted", "part", "term", "level", "reference", "scale")
    )
    score = terms[terms["term"] == "score"]
    about = score["level"].isin(hidden) | score["reference"].isin(hidden)
    assert about.any()
    assert score.loc[about, "estimate"].isna().all()


def test_no_document_tells_a_small_group(folder: Path) -> None:
    whole = (folder / "run0" / "report.html").read_text(encoding="utf-8").replace("\u202f", "")
    assert "91357" in whole
    for path in (folder / f"run{SMALL}").rglob("*"):
        if path.suffix in (".html", ".csv", ".svg", ".json"):
            assert "91357" not in path.read_text(encoding="utf-8").replace("\u202f", ""), path.name


def test_three_groups_by_hand() -> None:
    sets = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]], dtype=float)
    published = Published(sets, np.arange(4), np.array([4.0, 400.0, 300.0, 704.0]))
    assert complement(published, sets[:1], 10).tolist() == [False, True, False, True]
    assert complement(published, sets[:0], 10).tolist() == [False, True, True, True]


@pytest.mark.long
@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 40), min_size=8, max_size=8))
def test_whatever_the_sizes_no_small_group_follows(sizes: list[int]) -> None:
    frame = pd.DataFrame(
        [(1 + i // 2, "ab"[i % 2], 1.0) for i, n in enumerate(sizes) for _ in range(n)]
        or [(1, "a", 1.0)] * 20,
        columns=["score", "plan", "spend"],
    )
    counts = cxlink.read_cohort(frame, _spec(SMALL)).count()
    groups = {"1": (1,), "2": (2,), "3": (3,), "4": (4,), "worst": (1, 2), "all": (1, 2, 3, 4, 5)}
    hidden = withheld(counts, groups, SMALL)
    cells = frame.groupby(["score", "plan"]).size()

    def inside(group: str, stratum: str) -> np.ndarray:
        return np.array(
            [s in groups[group] and stratum in ("", f"plan={p}") for s, p in cells.index], dtype=float
        )

    every = {(g, s): inside(g, s) for g in groups for s in ("", "plan=a", "plan=b")}
    shown = np.array([one for key, one in every.items() if one.any() and key not in hidden]).reshape(
        -1, len(cells)
    )
    for key, one in every.items():
        n = one @ cells.to_numpy()
        if 0 < n < SMALL:
            assert key in hidden
            rank = np.linalg.matrix_rank(shown) if len(shown) else 0
            assert np.linalg.matrix_rank(np.vstack([shown, one])) > rank
    assert not {key for key in hidden if not every.get(key, np.ones(1)).any()}


def test_where_there_are_too_many_strata_none_is_published(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = cxlink.read_cohort(_customers(), _spec(SMALL)).count()
    monkeypatch.setattr(complementary, "_MOST", 10)
    hidden = withheld(counts, LEVELS, SMALL)
    assert ("5", "plan=a") in hidden
    assert ("all", "") not in hidden


def test_metrics_by_category_and_period_do_not_tell_each_other() -> None:
    sizes = {("", ""): 107, ("a", ""): 50, ("b", ""): 50, ("c", ""): 7}
    rows = [
        {"metric": "nps", "version": "", "variable": "plan" if c else "", "category": c, "period": p, "estimate": 1.0,
         "std_error": 1.0, "conf_low": 1.0, "conf_high": 1.0, "n": n} for (c, p), n in sizes.items()
    ]  # fmt: skip
    table = pd.DataFrame(rows).astype({"n": "Int64"})
    blank = blank_small_metrics(table, SMALL)
    assert blank["estimate"].isna().tolist() == [False, True, False, True]
    assert blank["n"].isna().tolist() == [False, True, False, True]
    alone = blank_small_metrics(table[table["category"] != "c"], SMALL)
    assert alone["estimate"].isna().sum() == 1  # the seven of no category would follow


def test_counts_less_what_is_published_tell_of_nobody(folder: Path) -> None:
    whole = cxlink.load_counts(folder / "run0" / "counts.parquet").cells
    left = cxlink.load_counts(folder / f"run{SMALL}" / "counts.parquet").cells
    assert (left["n"] >= SMALL).all()
    assert 0 < len(left) < len(whole)
    for keys in ([], ["score"], ["stratum.plan"], ["score", "stratum.plan"]):
        for size in ("n", "spend_n"):
            by = [
                table.groupby(keys)[size].sum() if keys else pd.Series([table[size].sum()])
                for table in (whole, left)
            ]
            gone = by[0].sub(by[1], fill_value=0)
            assert ((gone == 0) | (gone >= SMALL) | (gone == by[0])).all()


def test_a_cell_is_left_out_beside_a_small_one() -> None:
    cells = pd.DataFrame({"score": [1, 1, 1, 2], "stratum.a": ["x"] * 4, "n": [3, 20, 40, 50]})
    assert too_few(cells, "n", 10).tolist() == [True, True, False, False]
    assert too_few(cells[1:], "n", 10).tolist() == [False, False, False]
