"""Hazards that stay as they are: what continues curves, worked by hand in one line."""

from dataclasses import replace

import numpy as np

from cxlink.cohort.count.spells import Spells
from cxlink.survival.tails.extrapolation_error import Errors
from cxlink.survival.tails.tails import Tails, tails_of


def steady_tails(spells: Spells, hazard: float, errors: Errors | None = None) -> Tails:
    """Every level and stratum goes on with the same hazard a period; no extrapolation error by default."""
    none = errors or Errors(0.0, 0.0, 0.0)
    made = tails_of(spells, np.random.default_rng(0), errors=Errors(0.1, 0.1, 0.0))
    fit = replace(
        made.fit,
        terms=replace(made.fit.terms, offset=float(np.log(hazard))),
        theta=np.zeros_like(made.fit.theta),
    )
    return replace(made, fit=fit, others=(), candidates=made.candidates[:1], errors=none)
