"""The table of what other ways to count surveys that repeat say."""

from cxlink.estimands.model_rows.survey_scenarios import SCENARIOS
from cxlink.report.content import Material
from cxlink.report.document import Block, table
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.format import NONE, bare, coverage, periods, score, shared_digits
from cxlink.report.words import say

CHANGES = ("fall_given_last", "fall_given_present")


def other_countings(m: Material, changes: dict[str, Estimate | None]) -> list[Block]:
    """Set the headline contrast and both contrasts of a fall beside those of each scenario.

    Parameters
    ----------
    m : Material
        The cohort.
    changes : dict of str to Estimate or None
        Difference of retention of the main analysis, of each of `CHANGES`.

    Returns
    -------
    list of blocks
        Nothing where no scenario is known.
    """
    group, reference = m.sides
    main = {"": m.book.headline("retention_difference", group, reference), **changes}
    rows = []
    for name, row in main.items():
        others = [_under(m, scenario, name) for scenario in SCENARIOS]
        if row is None or row.blank or all(other is None for other in others):
            continue
        digits = shared_digits([row, *others])
        cells = [bare(one, digits) if one is not None else NONE for one in (row, *others)]
        best, worst = (score(side, m.spec) for side in m.sides)
        said = (
            say(f"falling.row_{name}")
            if name
            else say("falling.levels_compared", group=best, reference=worst)
        )
        rows.append([said, *cells])
    if not rows:
        return []
    names = ("compared", "as_above", *SCENARIOS)
    caption = say(
        "falling.caption_scenarios", after=periods(m.spec.horizon, m.spec.unit), level=coverage(m.spec)
    )
    header = [say(f"falling.column_{name}") for name in names]
    return [table(caption, header, rows, notes=[say(f"falling.note_{name}") for name in SCENARIOS])]


def _under(m: Material, scenario: str, change: str) -> Estimate | None:
    """The same difference under a scenario: by the model that leads there, standardised where it can be."""
    named = f"{change}_{scenario}" if change else scenario
    rows = m.book.where("retention_difference", scenario=named, horizon=m.spec.horizon)
    if not change:
        group, reference = m.sides
        rows = [row for row in rows if (row.group, row.reference) == (group, reference)]
    known = [row for row in rows if not row.blank]
    return max(known, key=lambda row: row.adjusted == "standardised", default=None)
