"""What long work says of itself: the step that begins, as data. The words are those of the language's file."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the work that begins, or how far it is.

    Attributes
    ----------
    code : str
        What begins: a key of section ``progress`` of the language's file, such as ``tenure``.
    facts : mapping of str to object
        What its sentence says beside: ``cohort``, ``model``, ``share`` (done, 0 to 1), ….
    """

    code: str
    facts: Mapping[str, object] = field(default_factory=dict)


Progress = Callable[[Stage], None]
"""What is called with each stage as it begins."""


def silent(_: Stage) -> None:
    """Let a stage pass unseen."""


def announce(progress: Progress, code: str, /, **facts: object) -> None:
    """Tell that a stage begins, and log it under ``cxlink`` at level INFO.

    Parameters
    ----------
    progress : callable
        Who is told.
    code : str
        The stage.
    **facts
        What its sentence says.

    Examples
    --------
    >>> announce(print, "sampling_spend", share=0.5)
    Stage(code='sampling_spend', facts={'share': 0.5})
    """
    stage = Stage(code, facts)
    logging.getLogger("cxlink").info("%s", code, extra={"stage": stage})
    progress(stage)
