"""Cases that cut what is worked out, tenure at the survey and the time since the last one, otherwise or not at all."""

from random import Random
from typing import Any

SHARE = 0.3
"""Of the cases that have such a variable."""
WORKED_OUT = ("tenure_at_survey", "since_last_survey")


def into_bands(spec: dict[str, dict[str, Any]], seed: int) -> bool:
    """Cut what is worked out in some cases, by a stream of numbers of their own; an empty list leaves it out."""
    random, sub = Random(f"bands of {seed}"), spec.get("subscription", {})
    tenure = bool(sub.get("signup") and sub.get("survey")) and sub.get("clock", "survey") == "survey"
    every = spec.get("cohort", {}).get("repeat") == "all"
    chosen = [
        name
        for name, there in zip(WORKED_OUT, (tenure, every), strict=True)
        if there and random.random() < SHARE
    ]
    for name in chosen:
        bands = spec.setdefault("adjust", {}).setdefault("bands", {})
        bands[name] = random.choice([[], [1], [2, 4], [0, 6.5, 18]])
    return bool(chosen)
