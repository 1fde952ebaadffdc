"""How far long work is: the share that is done, and one line of a notebook that shows it with the time left."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any
from uuid import uuid4

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.visible_text import visible
from cxlink.report.words import say
from cxlink.stages import Progress, Stage, silent

WEIGHTS: Mapping[str, float] = {
    "counting": 2.0, "headline": 1.0, "from_signup": 0.2, "tenure": 3.0, "families": 15.0, "changes": 1.5,
    "survey_scenarios": 3.0,
    "regressions": 0.7, "hazards": 0.8, "value": 1.0, "sensitivity": 0.3, "metrics": 0.4, "drivers": 1.0,
    "sampling_retention": 40.0,
    "sampling_spend": 40.0, "writing": 3.0, "cohort_subscription": 0.5, "cohort_transaction": 0.5,
    "public_curves": 5.0, "study_drivers": 4.0, "study_change": 6.0, "compared_retention": 1.0, "compared_spend": 1.0,
}  # fmt: skip
"""Seconds of each stage, about: what the fraction is made of."""
_SECONDS_APART, _LEAST_SHARE = 0.2, 0.02


def planned(spec: CohortSpec, *, bayes: bool = False) -> tuple[str, ...]:
    """Stages of an analysis, in their order, as far as the spec tells."""
    models, subscription, spend = spec.analysis.models, spec.subscription is not None, spec.spend is not None
    full = models != "quick"
    asked = {
        "headline": True, "from_signup": subscription, "tenure": full and subscription,
        "families": models == "all" and subscription, "changes": spec.every_survey, "regressions": full and spend,
        "hazards": full and subscription, "survey_scenarios": full and spec.every_survey,
        "value": full and spec.value is not None,
        "sampling_retention": bayes and subscription, "sampling_spend": bayes and spend, "sensitivity": full,
        "metrics": full, "drivers": full and bool(spec.others),
    }  # fmt: skip
    return tuple(stage for stage, wanted in asked.items() if wanted)


def following(plan: Sequence[str]) -> Callable[[Stage], float | None]:
    """Follow a plan, in which a stage may stand several times, from its beginning on.

    Parameters
    ----------
    plan : sequence of str
        Codes of stages in their order.

    Returns
    -------
    callable
        Gives the share of the plan that is done when a stage begins, or has come as far as it says; None of a stage
        that is not planned.

    Examples
    --------
    >>> done = following(("counting", "headline", "writing"))
    >>> [round(done(Stage(code)), 2) for code in ("counting", "headline", "writing")]
    [0.0, 0.33, 0.5]
    """
    place, whole = 0, sum(WEIGHTS[one] for one in plan)

    def done(stage: Stage) -> float | None:
        nonlocal place
        if stage.code not in plan[place:]:
            return None
        place = plan.index(stage.code, place)
        share = stage.facts.get("share", 0.0)
        within = WEIGHTS[stage.code] * (share if isinstance(share, float) else 0.0)
        return (sum(WEIGHTS[one] for one in plan[:place]) + within) / whole

    return done


@contextmanager
def telling(progress: Progress | None, plan: Sequence[str]) -> Iterator[Progress]:
    """Give whom long work tells its stages: who is named, else a notebook that somebody looks at, else nobody.

    The line is updated in place, and empty once the work is over. A notebook that a program runs (nbconvert, papermill)
    gets none, so that its output is the same every time.

    Parameters
    ----------
    progress : callable or None
        Who is named.
    plan : sequence of str
        Codes of the stages to come, in their order.
    """
    publish = _publisher() if progress is None else None
    if publish is None:
        yield progress or silent
        return
    name = {"display_id": uuid4().hex}
    done, began, shown = following(plan), time.monotonic(), -1.0
    share, code = 0.0, ""
    publish(_line(Stage("starting"), 0.0, 0.0), transient=name)

    def show(stage: Stage) -> None:
        nonlocal share, code, shown
        share = next((one for one in (done(stage),) if one is not None), share)
        seconds = time.monotonic() - began
        if stage.code != code or seconds - shown > _SECONDS_APART:
            code, shown = stage.code, seconds
            publish(_line(stage, share, seconds), transient=name, update=True)

    try:
        yield show
    finally:
        publish({"text/plain": "", "text/html": ""}, transient=name, update=True)


def _line(stage: Stage, share: float, seconds: float) -> dict[str, str]:
    """A stage, the share done and the time left, as text and as HTML."""
    left = _minutes(seconds * (1 - share) / share) if share > _LEAST_SHARE else "–"
    words = visible(say(f"progress.{stage.code}", **stage.facts))
    text = say("notebook.progress", stage=words, share=share, left=left)
    return {
        "text/plain": text,
        "text/html": f'<progress max="1" value="{share:.3f}"></progress> {escape(text)}',
    }


def _minutes(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def _publisher() -> Callable[..., Any] | None:
    """What publishes output in the cell that runs; None unless its front end can be asked, so that somebody looks."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not getattr(getattr(shell, "kernel", None), "_allow_stdin", False):
        return None
    publish: Callable[..., Any] = shell.display_pub.publish
    return publish
