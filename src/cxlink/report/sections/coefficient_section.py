"""Every adjustment variable's coefficient: forest plots of the hazard and spend models, and a table of each."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlink.report.content import Material
from cxlink.report.document import Block, heading, paragraph, picture, table
from cxlink.report.figures import drawing
from cxlink.report.figures import forest_figures as forests
from cxlink.report.format import FIRM, NONE, capital, coverage, decimal, levels, shortened, variable, whole
from cxlink.report.words import say

_Term = tuple[Any, ...]
_MOST_ROWS = 60
_SPOKEN = 12
_COLUMNS = {
    "hazard": (("grouped_ph", ""),),
    "spend": (
        ("poisson", "mean"), ("gamma", "mean"), ("two_part", "any_spend"), ("two_part", "amount"),
        ("log_ols", "amount"),
    ),
}  # fmt: skip
"""Of each table: the equations whose terms are its columns."""


def coefficient_pages(m: Material, outcome: str, level: int = 2) -> list[Block]:
    """Draw and set out the ratios of an outcome's regressions; nothing where no regression was fitted.

    Parameters
    ----------
    m : Material
        The cohort.
    outcome : {"hazard", "spend"}
        Which regressions.
    level : int
        Of the heading.
    """
    models = forests.HAZARDS if outcome == "hazard" else forests.SPEND
    tables = m.results.estimates, m.results.coefficients, m.spec
    lines = forests.forest_lines(*tables, models)
    if not any(line.values for line in lines):
        return []
    draw = forests.hazard_forest if outcome == "hazard" else forests.spend_forest
    axes = draw(*tables, simulated=m.results.simulated)
    notes = [say("forest.arrows")] if forests.leave_the_axis(lines[: forests.MOST_LINES]) else []
    notes += [say("forest.first", shown=forests.MOST_LINES)] if len(lines) > forests.MOST_LINES else []
    caption = say(
        f"forest.caption_{outcome}",
        level=coverage(m.spec),
        worst=levels("worst", m.spec),
        notes=" ".join(notes),
    )
    alt = say(f"forest.alt_{outcome}", values=_spoken(lines))
    adjusted = coefficient_table(m, outcome)
    return [
        heading(say(f"forest.heading_{outcome}"), level),
        paragraph(say("forest.associations" if adjusted else "forest.score_alone")),
        picture(f"{outcome}-forest", drawing.svg(axes), alt, caption.strip()),
        *adjusted,
    ]


def _spoken(lines: Sequence[forests.ForestLine]) -> str:
    """Ratios for who cannot see the picture: of the first model, the first dozen."""
    known = [(line.label, line.values[0]) for line in lines if line.values and line.values[0] is not None]
    shown = [(name, decimal(middle, _digits(middle))) for name, (middle, *_) in known[:_SPOKEN]]
    said = [say("score_tables.spoken", group=name, value=value) for name, value in shown]
    return "; ".join(said)


def coefficient_table(m: Material, outcome: str) -> list[Block]:
    """Set the ratio of each level of the adjustment variables out, against its reference; nothing where none is."""
    coefficients = m.results.coefficients
    if not len(coefficients):
        return []
    own = coefficients[(coefficients["adjusted"] == "conditional") & (coefficients["term"] != "score")]
    columns = [(k, own[(own["model"] == k[0]) & (own["part"] == k[1])]) for k in _COLUMNS[outcome]]
    columns = [(key, rows) for key, rows in columns if len(rows)]
    if not columns:
        return []
    keys = ["term", "level", "reference"]
    names = forests.in_order(pd.concat([rows for _, rows in columns])[keys].drop_duplicates(), m.spec)
    found = [_by_name(rows) for _, rows in columns]
    lines = [
        [
            capital(variable(str(name[0]))), shortened(str(name[1])), shortened(str(name[2])),
            _customers(found, name), *(_ratio(rows, name) for rows in found),
        ]
        for name in names.itertuples(index=False, name=None)
    ]  # fmt: skip
    header = [say(f"forest.column_{name}") for name in ("variable", "level", "reference", "customers")]
    header += [say(f"forest.column_{model}{f'_{part}' if part else ''}") for (model, part), _ in columns]
    notes = [say("forest.first", shown=_MOST_ROWS)] if len(lines) > _MOST_ROWS else []
    caption = say(f"forest.table_{outcome}", level=coverage(m.spec))
    dense = len(columns) > 1
    return [table(caption, header, lines[:_MOST_ROWS], notes=notes, texts=(0, 1, 2), dense=dense)]


def _by_name(rows: pd.DataFrame) -> dict[tuple[str, ...], _Term]:
    """Customers, estimate and interval of each term, under its variable, level and reference."""
    names = ("term", "level", "reference", "n", "estimate", "conf_low", "conf_high")
    values = zip(*(rows[name].tolist() for name in names), strict=True)
    return {(term, level, reference): (n, *ends) for term, level, reference, n, *ends in values}


def _customers(found: Sequence[Mapping[tuple[str, ...], _Term]], name: tuple[str, ...]) -> str:
    n = next((terms[name][0] for terms in found if name in terms), None)
    return NONE if n is None or pd.isna(n) else whole(int(n))


def _ratio(terms: Mapping[tuple[str, ...], _Term], name: tuple[str, ...]) -> str:
    """Write exp of a term with its interval; a dash where the model has none, or it is blank."""
    if name not in terms or np.isnan(terms[name][1:]).any():
        return NONE
    middle, low, high = np.exp(terms[name][1:]).tolist()
    digits = _digits(high)
    return f"{decimal(middle, digits)} [{decimal(low, digits)},{FIRM}{decimal(high, digits)}]"


def _digits(ratio: float) -> int:
    """Decimals of a ratio: more where two would leave next to nothing of it."""
    return 4 if ratio < 0.05 else 2
