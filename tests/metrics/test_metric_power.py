"""Readings of the answers compared on customers held out: against rows, against another path, and as laws."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from cxlink.cohort.count.counts import Counts, add_up
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.count.spells import spells_of
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.metrics.predictive_power import CodingGain, retention_gains, spend_gains
from cxlink.spend.spend_cells import spend_cells
from cxlink.survival.proportional_hazards.effect_shapes import predictions

SPEC = {
    "score": {"column": "s", "scale": "1-5"},
    "subscription": {"duration": "d", "event": "e"},
    "spend": {"column": "y", "complete": True},
    "adjust": {"columns": ["plan"]},
}
Frame = pd.DataFrame


def rows(n: int, slope: float, levels: Sequence[int] = (1, 2, 3, 4, 5), seed: int = 1) -> Frame:
    rng = np.random.default_rng(seed)
    score, plan = rng.choice(levels, n), np.array(["x", "y"])[rng.integers(0, 2, n)]
    stay = np.ceil(rng.exponential(4 * np.exp(slope * (score - 3)), n))
    y = np.maximum(rng.normal(50 + 10 * slope * score + 5 * (plan == "y"), 8, n), 0.0)
    return pd.DataFrame({"score": score, "stratum.plan": plan, "stay": stay, "y": y})


def counts(frame: Frame) -> Counts:
    y = frame["y"].to_numpy()
    log = np.log(np.where(y > 0, y, 1.0))
    cells = pd.DataFrame({
        "score": pd.array(frame["score"], dtype="Int64"), "stratum.plan": frame["stratum.plan"], "entry": 0,
        "exit": np.minimum(frame["stay"], 6).astype(int), "cause": np.where(frame["stay"] <= 6, "lost", ""), "wave": "",
        "n": 1, "spend_n": 1, "spend_zero": (y == 0).astype(int), "spend_sum": y, "spend_sum_sq": y**2,
        "spend_sum_log": log, "spend_sum_log_sq": log**2, "spend_sum_y_log": y * log,
    })  # fmt: skip
    return Counts(add_up(cells), make_spec(SPEC), Profile("rows", len(frame), len(frame)))


def of_spend(frame: Frame, classes: dict[str, tuple[int, ...]]) -> dict[str, CodingGain]:
    made = counts(frame)
    return {one.coding: one for one in spend_gains(spend_cells(made, spells_of(made)), classes)}


def left_out(design: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Squared error of each row, predicted from all the others: a fit a row."""
    errors = []
    for i in range(len(y)):
        rest = np.arange(len(y)) != i
        theta = np.linalg.lstsq(design[rest], y[rest], rcond=None)[0]
        errors.append((y[i] - design[i] @ theta) ** 2)
    return np.array(errors)


def test_spend_is_predicted_as_by_a_fit_for_each_row() -> None:
    frame = rows(80, 0.3)
    found = of_spend(frame, {"top_two_box": (0, 0, 0, 1, 1)})
    score, y = frame["score"].to_numpy(), frame["y"].to_numpy()
    plan = pd.get_dummies(frame["stratum.plan"], dtype=float).to_numpy()
    columns = {
        "no_score": np.zeros((80, 0)), "top_two_box": (score >= 4)[:, None].astype(float),
        "linear": score[:, None].astype(float), "full_score": np.eye(5)[score - 1][:, 1:],
    }  # fmt: skip
    errors = {name: left_out(np.column_stack([x, plan]), y) for name, x in columns.items()}
    variance = errors["full_score"].mean()
    for name, one in found.items():
        for base, gain, error in (
            ("no_score", one.gain, one.std_error), ("full_score", one.over_full, one.over_full_error),
        ):  # fmt: skip
            difference = (errors[base] - errors[name]) / (2 * variance)
            assert gain == pytest.approx(difference.mean(), abs=1e-9)
            # the spread leaves out what leverages add, of order 1/n
            assert error == pytest.approx(difference.std() / np.sqrt(79), rel=0.1, abs=1e-3)
        assert one.n == 80
    assert list(found) == ["top_two_box", "linear", "full_score"]


def test_retention_is_predicted_as_where_shapes_are_compared() -> None:
    spells = spells_of(counts(rows(600, 0.3)))
    told = {t.coding: t for t in retention_gains(spells, {}, np.random.default_rng(4))}
    shapes = {s.effect: s for s in predictions(spells, np.random.default_rng(4))}
    assert told["linear"].over_full == pytest.approx(shapes["linear"].gain, abs=1e-12)
    assert told["linear"].over_full_error == pytest.approx(shapes["linear"].std_error, abs=1e-12)
    assert told["full_score"].over_full == 0


def test_classes_of_single_answers_are_every_answer_by_itself() -> None:
    spells = spells_of(counts(rows(400, 0.3, levels=(1, 3, 5))))
    found = {t.coding: t for t in retention_gains(spells, {"each": (2, 0, 1)}, np.random.default_rng(4))}
    assert found["each"].gain == pytest.approx(found["full_score"].gain, abs=1e-10)
    assert found["each"].std_error == pytest.approx(found["full_score"].std_error, abs=1e-10)


def test_a_score_that_says_something_tells_and_noise_does_not() -> None:
    classes = {"top_two_box": (0, 0, 0, 1, 1)}
    strong, none = (spells_of(counts(rows(1500, slope))) for slope in (0.4, 0.0))
    told = {t.coding: t for t in retention_gains(strong, classes, np.random.default_rng(2))}
    assert told["linear"].gain > 4 * told["linear"].std_error
    assert told["linear"].gain > told["top_two_box"].gain > 0
    for one in retention_gains(none, classes, np.random.default_rng(2)):
        assert one.gain < 3 * one.std_error + 1e-6
    noise = of_spend(rows(1500, 0.0), classes)
    assert noise["full_score"].gain < 3 * noise["full_score"].std_error + 1e-6


def test_customers_who_alone_decide_their_own_fit_are_left_out_for_all() -> None:
    frame = rows(60, 0.2)
    alone = frame.iloc[:1].assign(score=1, **{"stratum.plan": "z"})
    assert {t.n for t in of_spend(pd.concat([frame, alone]), {}).values()} == {60}


def test_nothing_is_compared_where_nobody_was_lost_or_spend_never_varies() -> None:
    frame = rows(50, 0.2)
    assert retention_gains(spells_of(counts(frame.assign(stay=9))), {}, np.random.default_rng(1)) == []
    assert of_spend(frame.assign(y=0.0), {}) == {}
