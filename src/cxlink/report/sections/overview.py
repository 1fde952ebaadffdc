"""The picture of page one: what customers of each score did next, with intervals and numbers of customers."""

from collections.abc import Callable, Mapping
from functools import partial

from matplotlib.axes import Axes

from cxlink.estimands.second_opinions import REPORTED
from cxlink.estimands.tidy import select
from cxlink.report.content import Material
from cxlink.report.document import Block, picture
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.figures import cohort_figures as figures
from cxlink.report.figures import drawing
from cxlink.report.format import coverage, listed, periods, signed
from cxlink.report.sections import score_tables as tables
from cxlink.report.words import say

_LEAST = 2  # levels that make a picture
_ROOM = 12  # labels with the number of customers under each other that fit beside each other
_TICKS = 33  # labels at all, upright


def overview(m: Material, reach: int | None) -> list[Block]:
    """Draw retention, tenure and spend by score, side by side; nothing where none has two levels.

    Parameters
    ----------
    m : Material
        The cohort.
    reach : int or None
        The horizon of tenure on page one, in periods; None where it has none.
    """
    known = {outcome: rows for outcome, rows in _known(m, reach).items() if len(rows) >= _LEAST}
    if not known:
        return []
    draw: Mapping[str, Callable[..., Axes]] = {
        "retention": figures.retention_by_score, "spend": figures.spend_by_score,
        "tenure": partial(figures.tenure_by_score, horizon=reach),
    }  # fmt: skip
    with drawing.sheet((6.3, 2.2), 1, len(known)) as axes:
        for ax, (outcome, rows) in zip(axes, known.items(), strict=True):
            shown = select(m.results.estimates, adjusted=rows[0].adjusted)
            draw[outcome](shown, m.spec, simulated=m.results.simulated, ax=ax, model=rows[0].model)
            _ticks(ax, m, len(known))
    said_of = {
        "retention": say("first_page.overview_retention", after=periods(m.spec.horizon, m.spec.unit)),
        "tenure": say("first_page.overview_tenure", horizon=periods(reach or 0, m.spec.unit)),
        "spend": say("first_page.overview_spend"),
    }
    said = [
        say("first_page.overview_alt", outcome=said_of[outcome], values=tables.spoken(rows))
        for outcome, rows in known.items()
    ]
    outcomes = listed([said_of[outcome] for outcome in known])
    caption = say("first_page.overview_caption", outcomes=outcomes, level=coverage(m.spec))
    key, names = _not_observed(m, known.get("retention", []))
    if names:
        after = periods(m.spec.horizon, m.spec.unit)
        caption += f" {say(f'first_page.points_{key}', levels=names, n=len(names), after=after)}"
    return [picture("overview", drawing.svg(axes[0]), ". ".join(said), caption)]


def _not_observed(m: Material, rows: list[Estimate]) -> tuple[str, list[str]]:
    """Name the levels whose observed curve does not reach the horizon, and say what stands for it in the picture.

    Nothing where another model leads, which estimates them all alike.
    """
    if not rows or rows[0].model not in ("kaplan_meier", REPORTED):
        return "without", []
    seen = {row.group for row in _rows(m, "retention", "kaplan_meier", m.spec.horizon)}
    names = [signed(level) for level, n in m.scores.items() if n and str(level) not in seen]
    return ("extrapolated" if rows[0].model == REPORTED else "without"), names


def _known(m: Material, reach: int | None) -> dict[str, list[Estimate]]:
    """Give the rows of each outcome by level, in the order of the picture: of the model that page one stands on."""
    return {
        "retention": _by_level(m, "retention", "kaplan_meier", m.spec.horizon),
        "tenure": _by_level(m, "tenure", "kaplan_meier", reach) if reach else [],
        "spend": _by_level(m, "spend", "means", None),
    }


def _by_level(m: Material, estimand: str, model: str, horizon: int | None) -> list[Estimate]:
    """Give the rows of the model that page one stands on; where the spliced one has more those, which continue them."""
    stands = next((row for side in m.sides if (row := m.book.headline(estimand, side))), None)
    leads = model if stands is None else stands.model
    continued = estimand == "tenure" or leads == "kaplan_meier"
    models = (leads, REPORTED) if continued else (leads,)
    return max((_rows(m, estimand, one, horizon) for one in models), key=len)


def _rows(m: Material, estimand: str, model: str, horizon: int | None) -> list[Estimate]:
    rows = [m.book.best(estimand, str(level), model, horizon) for level in m.scores]
    return [row for row in rows if row is not None and not row.blank]


def _ticks(ax: Axes, m: Material, n_panels: int) -> None:
    """Write each level with its number of customers; upright where they are many, fewer where they are more."""
    levels = m.spec.scale.levels
    every = 1 + len(levels) * n_panels // (_TICKS + 1)
    crowded = len(levels) * n_panels > _ROOM
    places = range(0, len(levels), every)
    ax.set_xticks(list(places), [_tick(m, levels[i], crowded) for i in places], rotation=90 if crowded else 0)
    if crowded:
        ax.tick_params(axis="x", labelsize=6)
    ax.set_xlabel(say("first_page.overview_axis"))


def _tick(m: Material, level: int, crowded: bool) -> str:
    n = m.scores.get(level, 0)
    if n is None:
        return signed(level)
    return say(f"first_page.overview_tick_{'upright' if crowded else 'flat'}", level=signed(level), n=n)
