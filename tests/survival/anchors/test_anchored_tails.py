"""Tails conditioned on anchors: what tells nothing changes nothing, what tells all leaves nothing open."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from cohorts import spec_for, spells_from
from steady import steady_tails

from cxlink.cohort.count.spells import Spells, each_pair
from cxlink.cohort.spec.anchor_texts import stated_anchor
from cxlink.groups.requests import Request, by_level
from cxlink.survival.anchors.anchored_shares import OpenCurves, anchored_shares, open_curves
from cxlink.survival.anchors.anchored_tails import anchored
from cxlink.survival.anchors.anchoring import lasting_errors, predicted, repeated_streams
from cxlink.survival.anchors.older_curves import followed_to, older_curves
from cxlink.survival.survival import Survival
from cxlink.survival.tails.continued_hazards import ContinuedHazards, last_with_ten
from cxlink.survival.tails.curve_plan import lay_out_continued
from cxlink.survival.tails.extrapolation_error import Errors
from cxlink.survival.tails.pair_curves import continued_pairs
from cxlink.survival.tails.spliced_tenure import Further, spliced
from cxlink.survival.tails.tails import Tails, tails_of

ERRORS, DRAWS, FAR = Errors(0.2, 0.3, 0.0, 0.1), 400, 24


def customers(seed: int, n: int, late: bool = False, followed: int = 12) -> pd.DataFrame:
    """Customers who stay for two years, more or less, by score and plan, followed for a year."""
    rng = np.random.default_rng(seed)
    plan, score = rng.integers(0, 2, n), rng.integers(1, 6, n)
    entry = rng.integers(0, 5, n) if late else np.zeros(n, int)
    hazard = 0.05 * np.exp(-0.2 * (score - 3) + 0.3 * plan)
    stay, until = entry + np.ceil(rng.exponential(1 / hazard)).astype(int), entry + followed
    cause = np.where(stay <= until, "a", "")
    return pd.DataFrame({
        "score": score, "plan": np.array(["x", "y"])[plan], "entry": entry, "exit": np.minimum(stay, until),
        "cause": cause,
    })  # fmt: skip


def complete() -> Spells:
    """A cohort of which nobody is censored: curves are read to their end, with fewer than ten at risk."""
    rows = customers(6, 600, followed=10_000)
    return spells_from(rows, spec_for(horizon=6, adjust=("plan",)))


@cache
def cohort(late: bool = False) -> Spells:
    return spells_from(customers(5, 6000, late), spec_for(horizon=6, adjust=("plan",), late=late))


@cache
def tails(late: bool = False) -> Tails:
    return tails_of(cohort(late), np.random.default_rng(0), errors=ERRORS)


def given(
    *texts: str, late: bool = False, difference: float | None = None, levels: Sequence[int] = ()
) -> Tails:
    spells = cohort(late)
    whole = tuple(levels) or tuple(range(len(spells.levels)))
    known = {stated_anchor(text): whole for text in texts}
    return anchored(
        tails(late), spells, known, (DRAWS, np.random.default_rng(1)), horizon=6, difference=difference
    )


def curves(made: Tails, late: bool = False) -> tuple[Survival, ...]:
    spec = spec_for(horizon=6, adjust=("plan",), late=late)
    request = by_level(cohort(late), spec)
    pairs = replace(request, members=each_pair(cohort(late)), standards=_by_pair(request, cohort(late)))
    asked = replace(pairs, times=np.arange(0, FAR + 1), horizons=(12, FAR, 60))
    return spliced(
        cohort(late),
        [asked],
        DRAWS,
        np.random.default_rng(2),
        horizon=6,
        tails=made,
        further=Further(shared=True),
    )


def _by_pair(request: Request, spells: Spells) -> tuple:  # type: ignore[type-arg]
    """Each group over its pairs of level and stratum, as anchors have it."""
    found = []
    for standard in request.standards:
        inside = np.isin(spells.level[spells.pair], np.unique(standard.curve))
        keys, at = np.unique(
            np.column_stack([spells.pair[inside], spells.entry[inside]]), axis=0, return_inverse=True
        )
        n = np.bincount(at.ravel(), spells.n[inside])
        found.append(replace(standard, curve=keys[:, 0], entry=keys[:, 1], weight=n / n.sum()))
    return tuple(found)


def shares_at(made: Survival, period: int, group: str = "all") -> np.ndarray:
    return np.asarray(made.draws[:, made.groups.index(group), list(made.times).index(period)])


@pytest.mark.parametrize("late", [False, True])
def test_shares_are_those_of_the_curves_that_are_reported(late: bool) -> None:
    spells, bare = cohort(late), tails(late)
    anchor = stated_anchor(f"a:4-{FAR}=0.2")
    plan = lay_out_continued(spells, Request({}, each_pair(spells), (), (), ()), 6)
    laid = anchored_shares([anchor], [range(5)], spells, plan, last_with_ten(spells))
    bootstrap, noise, paths, _ = np.random.default_rng(2).spawn(4)
    drawn = bare.drawn_errors(spells, DRAWS, paths)
    model = ContinuedHazards(
        spells, bare.fit, np.zeros(1), np.ones(1), {}, bare.others, bare.drawn_structures(DRAWS)
    )
    streams = repeated_streams((spells, DRAWS, DRAWS), bootstrap, noise)
    found = predicted(laid, model, streams, drawn)[0]
    made = curves(bare, late)[0]
    # the same draws but for noise of hazards, which is drawn in other blocks
    wanted = np.log(np.log(shares_at(made, 4)) - np.log(shares_at(made, FAR)))
    assert found.mean() == pytest.approx(wanted.mean(), abs=4 * wanted.std() / np.sqrt(DRAWS))
    assert np.corrcoef(found, wanted)[0, 1] > 0.98
    assert found.std() == pytest.approx(wanted.std(), rel=0.1)


def test_periods_that_are_observed_beyond_ten_at_risk_have_no_error() -> None:
    spells = complete()
    anchor, last = stated_anchor("a:70=0.05"), last_with_ten(spells)
    assert last.max() < 70 < spells.n_periods
    plan = lay_out_continued(spells, Request({}, each_pair(spells), (), (), ()), 6)
    laid = anchored_shares([anchor], [range(5)], spells, plan, last)
    _, end = laid.steps
    fitted = np.full((len(spells.levels) * len(spells.strata), len(end), 1), 0.05)
    known = np.zeros((5, len(end), 1))
    open_ = open_curves(laid, ERRORS, (plan.hazard[..., None], fitted), plan.observed, known)
    ends = [open_.read(np.full((2, 5, 1), a))[0][0, 0] for a in (0.0, 1.0)]
    # Kaplan–Meier, which nobody censored makes the share that is left
    kept = spells.n[spells.exit > 70].sum() / spells.n.sum()
    assert ends == pytest.approx([np.log(-np.log(kept))] * 2, abs=1e-10)


@pytest.mark.long
def test_draws_of_curves_are_told_by_their_weights() -> None:
    # three hundred customers and hardly an error: what the anchor moves are the fitted hazards
    spells = spells_from(customers(7, 300), spec_for(horizon=6))
    bare = tails_of(spells, np.random.default_rng(0), errors=Errors(0.01, 0.01, 0.0))
    request = replace(by_level(spells, spec_for(horizon=6)), times=np.array([0, FAR]), horizons=(FAR,))

    def shares(made: Tails) -> np.ndarray:
        (found,) = spliced(spells, [request], DRAWS, np.random.default_rng(2), horizon=6, tails=made)
        return shares_at(found, FAR)

    before = shares(bare)
    wanted = float(np.quantile(before, 0.9))
    known = {stated_anchor(f"2019:{FAR}={wanted}"): range(5)}
    made = anchored(bare, spells, known, (DRAWS, np.random.default_rng(1)), horizon=6, difference=0.05)
    after = shares(made)
    assert np.median(after) == pytest.approx(wanted, abs=0.25 * (wanted - np.median(before)))
    pairs = continued_pairs(spells, made, FAR, 6)
    n = np.bincount(spells.pair, spells.n) / spells.n.sum()
    both = list(pairs.draws(DRAWS, np.random.default_rng(3)))
    log_s = np.concatenate([block[""] for block, _ in both], axis=-1)
    assert np.median(n @ np.exp(log_s[:, FAR])) == pytest.approx(
        wanted, abs=0.25 * (wanted - np.median(before))
    )
    # the customers are those of the curves: three periods from the survey nobody is censored
    weights = np.concatenate([own.weights for _, own in both], axis=-1)
    place = np.arange(spells.n_pairs)[:, None] == spells.pair
    kept = (place @ (weights * (spells.exit > 3)[:, None])) / (place @ weights)
    seen = pairs.observed[:, :3].all(axis=1) & ~np.isin(spells.level, pairs.thin)
    assert seen.any()
    assert np.exp(log_s[seen, 3]) == pytest.approx(kept[seen], abs=1e-10)


def test_derivatives_are_those_of_small_steps() -> None:
    spells, rng = cohort(True), np.random.default_rng(4)
    plan = lay_out_continued(spells, Request({}, each_pair(spells), (), (), ()), 6)
    anchors = [stated_anchor(text) for text in (f"a:{FAR}=0.2", "a[1]:4-18=0.4")]
    laid = anchored_shares(anchors, [range(5), [0]], spells, plan, last_with_ten(spells))
    n_later, n_nodes = 7, len(laid.nodes)
    open_ = OpenCurves(
        laid, ERRORS, -np.cumsum(rng.uniform(0.01, 0.1, (spells.n_pairs, n_nodes, 3)), axis=1),
        rng.uniform(0.02, 0.1, (spells.n_pairs, n_later, 3)), rng.uniform(0.1, 1, (spells.n_pairs, n_later)),
        np.tri(n_nodes, n_later),
    )  # fmt: skip
    at = rng.normal(0, 0.5, (2, 5, 3))
    _, slope = open_.read(at)
    for c, level in ((0, 0), (1, 0), (0, 3), (1, 4)):
        step = np.zeros_like(at)
        step[c, level] = 1e-5
        change = (open_.read(at + step)[0] - open_.read(at - step)[0]) / 2e-5
        assert slope[:, c, level] == pytest.approx(change, abs=1e-7)


def test_an_anchor_that_tells_nothing_changes_no_draw_and_no_estimate() -> None:
    made = given(f"2019:{FAR}=0.02", difference=1e9)
    assert made.anchoring is not None
    assert made.anchoring.effective == pytest.approx(DRAWS, rel=1e-6)
    for one, bare in zip(curves(made), curves(tails()), strict=True):
        # noise of 1e9 times a gain of 1e-18
        assert np.abs(one.draws - bare.draws).max() < 1e-8
        assert np.abs(one.point - bare.point).max() < 1e-8
        assert np.abs(one.area.draws[..., :3] - bare.area.draws[..., :3]).max() < 1e-6


@pytest.mark.parametrize("late", [False, True])
def test_an_anchor_that_is_certain_leaves_the_whole_cohort_s_share_where_it_says(late: bool) -> None:
    bare = curves(tails(late), late)
    share = float(np.quantile(shares_at(bare[0], FAR), 0.7))
    made = given(f"2019:{FAR}={share}", late=late, difference=0.01)
    main, *_ = curves(made, late)
    found = shares_at(main, FAR)
    # sampling apart, cloglog has a standard deviation of .01
    assert found.mean() == pytest.approx(share, abs=4 * 0.01 * abs(share * np.log(share)))
    assert found.std() < 0.02 * abs(share * np.log(share))
    assert found.std() < 0.15 * shares_at(bare[0], FAR).std()
    point = main.point[main.groups.index("all"), list(main.times).index(FAR)]
    assert point == pytest.approx(share, abs=0.02)
    # levels are not told of, but for what their errors share
    assert shares_at(main, FAR, "best").std() > 0.2 * shares_at(bare[0], FAR, "best").std()
    # what was observed stays
    assert main.point[:, :4] == pytest.approx(bare[0].point[:, :4], abs=1e-12)


def test_intervals_are_narrower_beyond_an_anchor_and_lean_to_it() -> None:
    bare = curves(tails())[0]
    middle = float(np.median(shares_at(bare, FAR)))
    made = curves(given(f"2019:{FAR}={middle} of 2000"))[0]
    g = made.groups.index("all")
    for k in (1, 2):
        widths = [float(np.ptp(np.quantile(one.area.draws[:, g, k], [0.025, 0.975]))) for one in (made, bare)]
        assert widths[0] < 0.85 * widths[1]
    low = curves(given(f"2019:{FAR}={0.75 * middle} of 2000"))[0]
    assert low.area.point[g, 2] < made.area.point[g, 2]
    assert low.area.draws[:, g, 2].mean() < made.area.draws[:, g, 2].mean()


def test_errors_of_all_levels_or_of_none_are_told_less_of_each_other_in_that_order() -> None:
    made = curves(given(f"2019[5]:{FAR}=0.4", difference=0.05, levels=[4]))
    known = {one.labels["scenario"]: one for one in made}
    bare = {one.labels["scenario"]: one for one in curves(tails())}
    ratio = {
        name: shares_at(known[name], FAR, "worst").std() / shares_at(bare[name], FAR, "worst").std()
        for name in ("shared=0", "shared=1")
    }
    assert ratio["shared=0"] == pytest.approx(1, abs=0.2)
    assert ratio["shared=1"] < 0.8


def test_value_stands_on_the_same_curves() -> None:
    spells = cohort()
    share = 0.25
    made = given(f"2019:{FAR}={share}", difference=0.02)
    pairs = continued_pairs(spells, made, FAR, 6)
    parts = list(pairs.draws(DRAWS, np.random.default_rng(7), ("", "shared=0")))
    log_s = np.concatenate([block[""] for block, _ in parts], axis=-1)
    weights = np.concatenate([customers.weights for _, customers in parts], axis=-1)
    assert log_s.shape[-1] == weights.shape[-1] == DRAWS
    n = np.bincount(spells.pair, spells.n) / spells.n.sum()
    found = n @ np.exp(log_s[:, FAR])
    assert found.mean() == pytest.approx(share, abs=0.01)
    assert found.std() < 0.01
    assert n @ np.exp(pairs.log_survival[:, FAR]) == pytest.approx(share, abs=0.02)
    assert (weights.sum(axis=0) == spells.n.sum()).all()


def test_a_cohort_that_contradicts_is_left_out_with_all_that_is_known_of_it() -> None:
    made = given(f"mistyped:{FAR}=0.95", "mistyped:36=0.1", f"right:{FAR}=0.2")
    told = {(one.anchor.label, one.anchor.period): (one.used, one.outside) for one in made.judged}
    assert told == {
        ("mistyped", FAR): (False, True),
        ("mistyped", 36): (False, False),
        ("right", FAR): (True, False),
    }
    assert made.anchoring is not None
    assert [one.label for one in made.anchoring.shares.anchors] == ["right"]
    none = given(f"mistyped:{FAR}=0.95")
    assert none.anchoring is None
    assert curves(none)[0].draws.tobytes() == curves(tails())[0].draws.tobytes()


def test_more_paths_are_tried_where_one_is_worth_too_little() -> None:
    # an anchor at the edge of what is predicted, with hardly an error of its own
    bare = curves(tails())[0]
    edge = float(np.quantile(shares_at(bare, FAR), 0.99))
    made = given(f"2019:{FAR}={edge}", difference=0.005)
    assert made.anchoring is not None
    assert made.anchoring.effective > 40
    assert shares_at(curves(made)[0], FAR).mean() == pytest.approx(edge, abs=0.02)


def test_a_steady_hazard_by_hand() -> None:
    # everybody is lost at 2 % a period beyond T; no error but in level: told three times the hazard, certain of it
    spells = spells_from(customers(8, 4000), spec_for())
    errors = Errors(1.0, 0.0, 0.0)
    made = steady_tails(spells, 0.02, errors)
    one = np.ones(1)
    own = replace(made.own, factors=one, factor_weights=one, correlations=one, correlation_weights=one)
    made = replace(made, own=own)
    assert last_with_ten(spells).tolist() == [12] * 5
    anchor = stated_anchor(f"2019:12-32={np.exp(-0.06 * 20)}")
    found = anchored(
        made, spells, {anchor: range(5)}, (DRAWS, np.random.default_rng(1)), horizon=6, difference=1e-3
    )
    assert found.anchoring is not None
    # a prior of variance 1 beside an anchor of variance 10⁻⁶
    assert found.anchoring.lean[0] == pytest.approx(np.full(5, np.log(3)), abs=1e-5)


def test_older_curves_by_hand() -> None:
    new, old = cohort(), spells_from(customers(9, 20_000, followed=20), spec_for(adjust=("plan",)))
    assert followed_to(old) == 20
    assert followed_to(new) == 12
    same = older_curves(old, new, old.levels, np.array([0, 1]))
    assert same is not None
    assert same.supported(20)
    assert not same.supported(21)
    share = same.shares(12, [15, 20])
    # nobody is censored: survivors over survivors, stratum by stratum, in the younger one's mix
    stratum, mix = old.stratum[old.pair], np.bincount(new.stratum[new.pair], new.n) / new.n.sum()

    def stayed(t: int) -> float:
        kept = (old.exit > t) | ((old.exit == t) & (old.cause == 0))
        alive = np.bincount(stratum, old.n * kept) / np.bincount(stratum, old.n)
        return float(mix @ alive)

    assert share[15].share == pytest.approx(stayed(15) / stayed(12), abs=1e-10)
    assert share[20].share == pytest.approx(stayed(20) / stayed(12), abs=1e-10)
    # of those retained at 12, about as many as there were (a bootstrap of 400 draws)
    assert share[20].n == pytest.approx(20_000 * stayed(12), rel=0.3)
    assert older_curves(old, new, old.levels, np.array([0, -1])) is None
    assert older_curves(old, new, (9,), None) is None


def test_lasting_errors_have_the_correlation_of_their_scenario() -> None:
    drawn = tails().drawn_errors(cohort(), 50, np.random.default_rng(0))
    at = slice(10, 30)
    assert (lasting_errors(drawn, "shared=0", at).shared == 0).all()
    assert (lasting_errors(drawn, "shared=1", at).shared == 1).all()
    assert (lasting_errors(drawn, "", at).shared == drawn.shared[at]).all()
