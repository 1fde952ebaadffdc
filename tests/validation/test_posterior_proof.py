"""The proof of the Bayesian models: ranks and their band, truths and cohorts, tallies, verdicts and page."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import digamma
from scipy.stats import binom

from cxlink.bayes.draws.prior_draws import prior_predictive
from cxlink.bayes.models.pymc_models import hazard_model, renewal_model
from validation import posterior_proof, posterior_sparse, prior_truths, young_cohort
from validation.page import write_page
from validation.posterior_page import (
    Simulations,
    judged_ranks,
    posterior_page,
    summed_pooling,
    summed_sparse,
    verdicts,
)
from validation.posterior_proof import cells, ranks, simulations
from validation.prior_truths import CUSTOMERS, FOLLOW_UP, HORIZONS, KINDS, PER_YEAR
from validation.ranks import DRAWS, band, rank_of, shares_below, uniformity
from validation.replicate import block_table

FEW = {"draws": 60, "tune": 100, "chains": 2, "cores": 1}


def test_ranks_by_hand() -> None:
    assert rank_of(50.5, np.arange(DRAWS)) == 51
    assert rank_of(-1.0, np.arange(DRAWS)) == 0
    assert rank_of(1e9, np.arange(DRAWS)) == DRAWS
    # 800 draws: those at 8, 16, …, 792
    assert rank_of(24.5, np.arange(800)) == 3
    assert rank_of(791.5, np.arange(800)) == 98
    with pytest.raises(ValueError, match="99 draws are ranked, there are 98"):
        rank_of(0.0, np.arange(98))


def test_shares_below_by_hand() -> None:
    share = shares_below(np.array([0, 0, 1, 98, DRAWS]))
    assert share[:3] == pytest.approx([0.4, 0.6, 0.6])
    assert share[-2:] == pytest.approx([0.6, 0.8])


@pytest.mark.long
def test_the_band_holds_uniform_ranks_in_95_of_100() -> None:
    rng, n, sets = np.random.default_rng(1), 320, 2_000
    wide = band(n)
    found = [uniformity(ranks) for ranks in rng.integers(0, DRAWS + 1, (sets, n))]
    # four standard errors of a share of .95 among 2,000
    assert np.mean([one.inside for one in found]) == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / sets))
    p = np.array([one.p for one in found])
    assert np.mean(p < 0.5) == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / sets))
    # cut at the same tail everywhere: no count within is less likely, and the next one out is
    at, tail = wide.at, wide.tail
    high, low = np.rint(n * wide.high), np.rint(n * wide.low)
    assert (binom.sf(high - 1, n, at) >= tail).all()
    assert (binom.sf(high, n, at) <= tail).all()
    assert (binom.cdf(low, n, at) >= tail).all()
    assert (binom.cdf(low - 1, n, at) <= tail).all()


def test_the_verdict_is_that_of_the_band_drawn() -> None:
    rng, n = np.random.default_rng(2), 320
    wide = band(n)
    for sharp in (1.0, 1.1, 1.25):
        for _ in range(40):
            ranks = (DRAWS * rng.beta(sharp, 1.0, n)).round().astype(int)
            share, found = shares_below(ranks), uniformity(ranks)
            drawn = ((share >= wide.low - 1e-9) & (share <= wide.high + 1e-9)).all()
            assert drawn == found.inside == (found.deviation <= 1)


@pytest.mark.parametrize(
    ("narrower", "moved", "inside"),
    [(1.0, 0.0, True), (0.75, 0.0, False), (1.4, 0.0, False), (1.0, 0.35, False)],
)
def test_a_wrong_posterior_is_flagged(narrower: float, moved: float, inside: bool) -> None:
    # y ~ N(θ, 1), θ ~ N(0, 1): the posterior is N(y/2, 1/2)
    rng, n = np.random.default_rng(3), 320
    truth = rng.standard_normal(n)
    y = truth + rng.standard_normal(n)
    sd = np.sqrt(0.5)
    ranks = [
        rank_of(one, at / 2 + moved * sd + narrower * sd * rng.standard_normal(400))
        for one, at in zip(truth, y, strict=True)
    ]
    found = uniformity(np.array(ranks))
    assert found.inside is inside
    assert (found.deviation > 1) is not inside
    assert (found.p < 0.05) is not inside


@pytest.mark.parametrize("name", ["bayes_monotone", "bayes_waning", "bayes_sbg"])
def test_true_retention_is_that_of_the_model_inside_follow_up(name: str) -> None:
    kind = KINDS[name]
    nobody = np.zeros((*kind.coding.shape, max(FOLLOW_UP)))
    grid = prior_truths.PooledPeriods(kind.coding, nobody + CUSTOMERS, nobody)
    model = hazard_model(grid, PER_YEAR, waning=kind.waning) if kind.model == "bayes" else renewal_model(grid)
    prior = prior_predictive(model, 3, 1)
    tables = {str(name): prior[name].to_numpy()[0] for name in prior.data_vars}
    kept = prior_truths.kept_truly(tables, np.random.default_rng(1))
    assert kept.shape == (3, 4, len(HORIZONS))
    by_model = np.exp(tables["log_survival"][:, -1, :, :, HORIZONS[0] - 1]).mean(axis=2)
    np.testing.assert_allclose(kept[:, :, 0], by_model, rtol=1e-10)
    assert (kept[:, :, 1] <= kept[:, :, 0]).all()
    made = prior_truths.retention_quantities(tables, kept)
    np.testing.assert_array_equal(made["difference_8"], kept[:, -1, 1] - kept[:, 0, 1])
    mixed = prior_truths.retention_quantities(dict(reversed(tables.items())), kept)
    assert list(mixed) == list(made)
    assert {"half_life"} & set(made) == ({"half_life"} if kind.waning else set())
    if name == "bayes_monotone":
        # log hazards rise or fall by the slope in all, and by the first step's share of it
        score = tables["score"].mean(axis=(1, 3))
        np.testing.assert_allclose(made["slope"] * made["first_step"], score[:, 1] - score[:, 0], rtol=1e-9)


def test_losses_are_drawn_from_the_truth_s_hazards() -> None:
    coding = KINDS["bayes_levels"].coding
    hazard = 0.3
    log_s = np.full((*coding.shape, max(FOLLOW_UP)), np.log1p(-hazard)).cumsum(axis=-1)
    rng = np.random.default_rng(4)
    made = [prior_truths.drawn_periods(coding, log_s, rng) for _ in range(20)]
    at_risk, lost = (np.sum([getattr(one, part) for one in made], axis=0) for part in ("at_risk", "lost"))
    assert (at_risk[..., 0] == 20 * CUSTOMERS).all()
    assert not at_risk[1, ..., FOLLOW_UP[1] :].any()
    np.testing.assert_array_equal(at_risk[0, ..., 1:], (at_risk - lost)[0, ..., :-1])
    total = at_risk.sum()
    assert lost.sum() / total == pytest.approx(hazard, abs=4 * np.sqrt(hazard * (1 - hazard) / total))


def test_spend_is_drawn_from_a_hurdle_and_a_gamma() -> None:
    coding = KINDS["spend"].coding
    shape = np.array([0.01, 0.5, 2.0, 8.0])
    tables = {
        "share": np.full((1, *coding.shape), 0.4),
        "amount": np.full((1, *coding.shape), 0.7),
        "shape": shape[None],
    }
    rng = np.random.default_rng(5)
    cells = [prior_truths.drawn_cells(coding, tables, rng) for _ in range(40)]
    by = {
        part: np.sum([np.bincount(one.level, getattr(one, part)) for one in cells], axis=0)
        for part in ("n", "positive", "total", "squares", "log_total")
    }
    p, m = 1 / (1 + np.exp(-0.4)), np.exp(0.7)
    n = by["n"]
    np.testing.assert_array_less(np.abs(by["positive"] / n - p), 4 * np.sqrt(p * (1 - p) / n))
    spenders = by["positive"]
    # a gamma of shape k and mean m has variance m²/k, and E log y = ψ(k) − log(k/m)
    np.testing.assert_array_less(np.abs(by["total"] / spenders - m), 4 * m / np.sqrt(shape * spenders))
    expected = digamma(shape) - np.log(shape / m)
    assert by["log_total"][1:] / spenders[1:] == pytest.approx(expected[1:], abs=0.15)
    assert np.isfinite(by["log_total"][0])
    assert by["squares"][3] / spenders[3] == pytest.approx(m**2 * (1 + 1 / 8), rel=0.1)


@pytest.mark.long
def test_sparse_levels_of_both_models_and_their_means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posterior_sparse, "SAMPLING", FEW)
    rows = pd.DataFrame(posterior_sparse.replicated("usual", 20, np.random.default_rng(6)))
    assert rows.groupby("model").size().to_dict() == {"bayes": 11, "kaplan_meier": 11}
    np.testing.assert_array_equal(rows.loc[rows["model"] == "bayes", "truth"], posterior_sparse.USUAL)
    assert (rows["conf_low"] <= rows["estimate"]).all()
    assert (rows["estimate"] <= rows["conf_high"]).all()
    by_hand = [
        {"model": "bayes", "truth": 0.5, "estimate": 0.4, "conf_low": 0.3, "conf_high": 0.7},
        {"model": "bayes", "truth": 0.5, "estimate": 0.2, "conf_low": 0.1, "conf_high": 0.3},
        {"model": "kaplan_meier", "truth": 0.5, "estimate": 0.5, "conf_low": 0.5, "conf_high": 0.6},
    ]
    made = pd.DataFrame(posterior_sparse.averaged(by_hand)).set_index("model")
    np.testing.assert_allclose(made.loc["bayes"], [0.2, 0.05, 0.3, 0.5], atol=1e-12)
    np.testing.assert_allclose(made.loc["kaplan_meier"], [0.0, 0.0, 0.1, 1.0], atol=1e-12)


def test_a_score_by_hand() -> None:
    # one level, two months: 3 of 10 lost, then 2 of 7; two draws of the hazards
    hazard = np.array([[0.3, 0.2], [0.4, 0.1]])
    kept = np.concatenate([np.zeros((2, 1)), np.log1p(-hazard).cumsum(axis=1)], axis=1)[:, None]
    at_risk, lost = np.array([[10.0, 7.0]]), np.array([[3.0, 2.0]])
    each = [binom.pmf(3, 10, h[0]) * binom.pmf(2, 7, h[1]) for h in hazard]
    assert young_cohort.log_score(kept, at_risk, lost) == pytest.approx(np.log(np.mean(each)), abs=1e-12)


def test_young_cohorts_are_known_for_three_months_only() -> None:
    drawn = young_cohort.drawn_cohorts(np.random.default_rng(7))
    followed = (drawn.pooled.at_risk.sum(axis=(1, 2)) > 0).sum(axis=1)
    assert followed.tolist() == list(young_cohort.FOLLOW_UP)
    np.testing.assert_array_equal(drawn.pooled.at_risk[:, :, 0, 0], [young_cohort.CUSTOMERS] * 3)
    last = drawn.pooled.at_risk[-1, :, 0, 2] - drawn.pooled.lost[-1, :, 0, 2]
    np.testing.assert_array_equal(drawn.at_risk[:, 0], last)
    assert drawn.at_risk.shape == (5, 9)
    alone = young_cohort.youngest(drawn.pooled)
    assert alone.at_risk.shape == (1, 5, 1, 3)
    assert alone.coding.cohorts == ("third",)
    cohorts = [young_cohort.drawn_cohorts(np.random.default_rng(seed)) for seed in range(200)]
    kept = np.array([one.kept for one in cohorts])
    n = sum(young_cohort.CUSTOMERS)
    stayed = np.array([(one.at_risk - one.lost)[:, -1].sum() for one in cohorts]) / n
    # what stays is binomial around it, level by level
    assert np.std(stayed - kept) == pytest.approx(np.sqrt(0.6 * 0.4 / n), rel=0.25)
    # about 60 % stay for a year; cohorts differ by a fifth of the log hazard, 0.3·0.2 of retention
    assert np.mean(kept) == pytest.approx(0.6, abs=0.05)
    assert 0.04 < np.std(kept) < 0.09


@pytest.mark.long
def test_older_cohorts_narrow_what_a_young_one_can_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(young_cohort, "SAMPLING", FEW)
    found = young_cohort.replicated(np.random.default_rng(8))
    # alone, nine months of a walk lie ahead
    assert found["width_pooled"] < 0.6 * found["width_alone"]
    # 45 binomial cells of a right model score some −100
    assert -200 < found["score_pooled"] < -50
    assert set(found) == {
        f"{part}_{way}" for part in ("score", "error", "width", "held") for way in young_cohort.WAYS
    }


def test_every_sort_has_its_simulations() -> None:
    cohorts = {one.name: one.cohorts for one in cells()}
    assert all(cohorts[name] == 300 for name in KINDS)
    assert all(
        cohorts[f"{t}-{n}"] == 100 for t in posterior_sparse.TRUTHS for n in posterior_sparse.CUSTOMERS
    )
    assert cohorts["pooling"] == 200
    assert len(cohorts) == len(KINDS) + 4 + 1


@pytest.mark.slow
def test_ranks_of_a_kind_are_the_same_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prior_truths, "SAMPLING", FEW)
    first, again, second = (ranks("spend", 1, np.random.default_rng(seed)) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(second)
    assert first["rank"].between(0, DRAWS).all()
    assert {"spend_worst", "ratio", "spread_level_amount", "spread_shape"} <= set(first["quantity"])
    renewals = ranks("bayes_sbg", 2, np.random.default_rng(1))
    assert {"polarisation", "spread_level_polarisation", "difference_8"} <= set(renewals["quantity"])
    assert (renewals.groupby("quantity").size() == 2).all()


def test_cells_are_put_together_by_sort(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posterior_proof, "simulated", lambda _, n, __: ({"a": 3} for _ in range(n)))
    monkeypatch.setattr(young_cohort, "replicated", lambda rng: {"score_pooled": float(rng.random())})
    monkeypatch.setattr(posterior_sparse, "replicated", lambda *_: [])
    monkeypatch.setattr(posterior_sparse, "averaged", lambda _: [{"model": "bayes", "error": 0.1}])
    made = cells()
    found = simulations([(one, one.add([block_table(one, number) for number in range(2)])) for one in made])
    assert len(found.ranks) == len(KINDS) * 2 * 20
    assert set(found.ranks["kind"]) == set(KINDS)
    assert len(found.sparse) == 4 * 2 * 10
    assert sorted(set(zip(found.sparse["truth"], found.sparse["customers"], strict=True))) == [
        ("extreme", 20), ("extreme", 50), ("usual", 20), ("usual", 50),
    ]  # fmt: skip
    assert found.pooling["score_pooled"].nunique() == 2 * 10


def results(
    n: int = 320, narrow: str = "", gain: float = 1.0, sparse: Mapping[str, float] | None = None
) -> Simulations:
    """What is found where all is well, but for what is changed."""
    rng, said = np.random.default_rng(9), {"error": 0.05, "held": 0.95, **(sparse or {})}
    uniform = np.resize(np.arange(DRAWS + 1), n)
    ranks = [
        pd.DataFrame({
            "kind": kind, "quantity": quantity,
            "rank": np.clip(uniform * 3 - 100, 0, DRAWS) if kind == narrow and quantity == "slope" else uniform,
        })
        for kind in KINDS for quantity in ("intercept", "slope")
    ]  # fmt: skip
    cohorts = [
        {
            "truth": truth, "customers": customers, "model": model, "square": 0.0016, "width": 0.2,
            "error": said["error"] + 0.001 * (-1) ** at if model == "bayes" else 0.06,
            "held": said["held"] if model == "bayes" else 0.95,
        }
        for truth in posterior_sparse.TRUTHS for customers in posterior_sparse.CUSTOMERS for at in range(50)
        for model in posterior_sparse.MODELS
    ]  # fmt: skip
    pooling = pd.DataFrame({
        f"{part}_{way}": (gain if (part, way) == ("score", "pooled") else 0.0) + 0.1 * rng.standard_normal(200)
        for part in ("score", "error", "width", "held") for way in young_cohort.WAYS
    })  # fmt: skip
    return Simulations(pd.concat(ranks, ignore_index=True), pd.DataFrame(cohorts), pooling)


def test_every_rule_holds_where_all_is_well() -> None:
    found = verdicts(results())
    assert len(found) == len(KINDS) + 4 + 2 + 1
    assert all(verdict.held for verdict in found)


@pytest.mark.long
@pytest.mark.parametrize(
    ("made", "broken"),
    [
        (results(n=200), ["ranks of all"]),
        (results(narrow="spend"), ["spend, free levels: ranks"]),
        (results(sparse={"error": 0.062}), ["smaller mean absolute error"]),
        (results(sparse={"error": 0.06}), ["smaller mean absolute error"]),
        (results(sparse={"held": 0.89}), ["hold the truth in at least 90 %"]),
        (results(gain=-0.5), ["predicts"]),
        (results(gain=0.0), ["predicts"]),
    ],
)
def test_each_rule_fails_where_it_should(made: Simulations, broken: list[str]) -> None:
    for verdict in verdicts(made):
        assert verdict.held != any(part in verdict.rule for part in broken), verdict


def test_sums_of_cohorts_by_hand() -> None:
    made = results()
    sparse = pd.DataFrame([
        {"truth": "usual", "customers": 20, "model": "bayes", "error": e, "square": s, "width": w, "held": h}
        for e, s, w, h in ((0.1, 0.01, 0.2, 1.0), (0.3, 0.17, 0.4, 0.5))
    ])  # fmt: skip
    assert summed_sparse(sparse).iloc[0].tolist()[:3] == ["usual", 20, "bayes"]
    np.testing.assert_allclose(
        summed_sparse(sparse).iloc[0].tolist()[3:], [2, 0.2, 0.3, 0.3, 0.75], atol=1e-12
    )
    pooled = summed_pooling(made.pooling).set_index("way")
    assert pooled.loc["pooled", "score"] == pytest.approx(made.pooling["score_pooled"].mean())
    assert pooled.loc["alone", "coverage"] == pytest.approx(made.pooling["held_alone"].mean())


def test_the_page_shows_what_was_found(tmp_path: Path) -> None:
    made = results(narrow="bayes_sbg")
    write_page(posterior_page(replace(made, sparse=made.sparse.assign(error=0.05))), tmp_path)
    page = (tmp_path / "bayes.md").read_text(encoding="utf-8")
    assert "1 of 2 outside their own band (slope); together p = 0.0001 | **not held** |" in page
    assert "| `bayes_sbg` retention, free levels | slope | 320 |" in page
    assert page.count("**outside**") == 1
    # equal errors are no smaller ones
    assert page.count("| 0.0500 against 0.0500 (difference +0.0000 to +0.0000) | **not held** |") == 4
    assert "| usual | 50 | Kaplan–Meier | 50 | 0.0500 | 0.0400 | 0.200 | 95.0% |" in page
    assert "in 200 of 200 cohorts | held |" in page
    for name in ("bayes", "bayes_sparse", "bayes_pooling"):
        assert len(pd.read_csv(tmp_path / f"{name}.csv"))
    judged = pd.read_csv(tmp_path / "bayes.csv")
    assert judged["inside"].sum() == len(judged) - 1 == 2 * len(KINDS) - 1
    pd.testing.assert_frame_equal(judged, judged_ranks(made.ranks), rtol=1e-6)
    assert (tmp_path / "bayes.svg").read_text(encoding="utf-8").startswith("<?xml")
    assert "](bayes.svg)" in page
