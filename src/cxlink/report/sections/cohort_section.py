"""The pages about the cohort: what became of the rows, who answered, how long they were followed."""

import pandas as pd

from cxlink.report.content import Material
from cxlink.report.document import Block, heading, paragraph, picture, table
from cxlink.report.figures import cohort_figures as figures
from cxlink.report.figures import drawing
from cxlink.report.format import NONE, capital, levels, listed, periods, shortened, units, whole
from cxlink.report.sections.limitations import snapshot


def cohort_pages(m: Material, level: int = 1) -> list[Block]:
    """Describe the cohort."""
    parts = [heading("The cohort", level, new_page=True), *([paragraph(_clock(m))] if _clock(m) else [])]
    parts.append(table("What became of the table’s rows.", ["Rows of the table", "Number"], _rows(m)))
    parts += _scores(m)
    what = {"Follow-up": _follow_up(m), "spend windows": _windows(m)}
    title = capital(listed([name for name, rows in what.items() if rows]))
    rows = [row for rows in what.values() for row in rows]
    return [*parts, table(f"{title} of the customers with a score.", ["Quantity", "Value"], rows)]


def _scores(m: Material) -> list[Block]:
    """Draw the scores, where any may be shown."""
    known = {level: n for level, n in m.scores.items() if n}
    if not known:
        return []
    axes = figures.score_distribution(m.scores, m.spec, simulated=m.results.simulated)
    alt = (
        f"Bars: customers by score. The most frequent score is {max(known, key=lambda level: known[level])}."
    )
    bands = f"Worst band: {levels('worst', m.spec)}; best band: {levels('best', m.spec)}."
    return [picture("scores", drawing.svg(axes), alt, f"Customers by score. {bands}")]


def _clock(m: Material) -> str:
    text = "" if m.table == "the table" else f"The table is {m.table}. "
    sub = m.spec.subscription
    if sub is not None:
        text += f"Durations were read as {m.results.profile.clock}. "
        if sub.clock == "signup":
            text += "Customers count only from the period in which observation of them began (late entry). "
            text += f"{snapshot(m)} " if snapshot(m) else ""
        text += (
            f"A customer lost in {sub.unit} t left after t\u202f−\u202f1 and by t whole {units(sub.unit)}."
        )
    return text.strip()


def _rows(m: Material) -> list[list[str]]:
    profile = m.results.profile
    rows = [["Rows read", whole(profile.rows_read)]]
    rows += [[f"Left out: {shortened(why)}", whole(n)] for why, n in profile.dropped.items()]
    rows.append(["Customers counted", whole(profile.rows_used)])
    rows.append(["of these with a score", whole(m.n_scored)])
    rows.append(["of these without a score", whole(m.n_unscored)])
    return rows


def _follow_up(m: Material) -> list[list[str]]:
    if m.spec.subscription is None or "exit" not in m.results.counts.cells:
        return []
    scored = m.results.counts.cells[m.results.counts.cells["score"].notna()]
    lost = scored["cause"].astype(str) != ""
    unit, there = m.spec.unit, scored[~lost]
    followed = int(((scored["exit"] - scored["entry"]) * scored["n"]).sum())
    rows = [
        ["Lost during follow-up", whole(int(scored.loc[lost, "n"].sum()))],
        ["Still there when last seen", whole(int(there["n"].sum()))],
        [f"Customer-{units(unit)} of follow-up", whole(followed)],
        [
            "Longest follow-up",
            periods(int((scored["exit"] - scored["entry"]).max()), unit) if len(scored) else NONE,
        ],
    ]
    middle = _median(there["exit"] - there["entry"], there["n"])
    return [
        *rows,
        ["Median follow-up of those still there", periods(middle, unit) if middle is not None else NONE],
    ]


def _median(values: pd.Series, weights: pd.Series) -> int | None:
    """Median of values that stand for several customers each."""
    if not weights.sum():
        return None
    order = values.argsort(kind="stable")
    below = weights.iloc[order].cumsum()
    return int(values.iloc[order].iloc[int((below < weights.sum() / 2).sum())])


def _windows(m: Material) -> list[list[str]]:
    if m.spec.spend is None or "spend_n" not in m.results.counts.cells:
        return []
    scored = m.results.counts.cells[m.results.counts.cells["score"].notna()]
    complete, zero = int(scored["spend_n"].sum()), int(scored["spend_zero"].sum())
    window = f"{m.spec.spend.window_months} months"
    return [
        [f"Complete spend windows of {window}", whole(complete)],
        ["Spend windows not over, or spend unknown (not counted)", whole(m.n_scored - complete)],
        ["Complete windows without any spend", whole(zero)],
    ]
