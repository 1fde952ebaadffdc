"""The pages about the cohort: what became of the rows, who answered, how long they were followed."""

import pandas as pd

from cxlink.report.content import Material
from cxlink.report.document import Block, heading, paragraph, picture, table
from cxlink.report.figures import cohort_figures as figures
from cxlink.report.figures import drawing
from cxlink.report.format import NONE, levels, periods, units, whole
from cxlink.report.profile_words import exclusions, time_origin
from cxlink.report.sections.limitations import snapshot
from cxlink.report.words import say


def cohort_pages(m: Material, level: int = 1) -> list[Block]:
    """Describe the cohort."""
    parts = [heading(say("cohort.heading"), level)]
    parts += [paragraph(_durations(m))] if _durations(m) else []
    parts.append(table(say("cohort.rows_caption"), [say("cohort.rows"), say("cohort.number")], _rows(m)))
    parts += _scores(m)
    followed, windows = _follow_up(m), _windows(m)
    kind = "both" if followed and windows else "follow_up" if followed else "spend"
    header = [say("cohort.quantity"), say("cohort.value")]
    return [*parts, table(say(f"cohort.{kind}_caption"), header, [*followed, *windows])]


def _scores(m: Material) -> list[Block]:
    """Draw the scores, where any may be shown."""
    known = {level: n for level, n in m.scores.items() if n}
    if not known:
        return []
    axes = figures.score_distribution(m.scores, m.spec, simulated=m.results.simulated)
    alt = say("cohort.scores_alt", mode=max(known, key=lambda level: known[level]))
    caption = say("cohort.scores", worst=levels("worst", m.spec), best=levels("best", m.spec))
    return [picture("scores", drawing.svg(axes), alt, caption)]


def _durations(m: Material) -> str:
    """Name the table, and say how durations were read."""
    said = [say("cohort.table_name", table=m.table)] if m.table else []
    sub = m.spec.subscription
    if sub is not None:
        said.append(time_origin(m.spec))
        if sub.clock == "signup":
            said.append(say("cohort.late_entry"))
            said += [snapshot(m)] if snapshot(m) else []
        said.append(say("cohort.last_period", unit=units(sub.unit, 1), units=units(sub.unit)))
    return " ".join(said)


def _rows(m: Material) -> list[list[str]]:
    profile = m.results.profile
    rows = [[say("cohort.rows_read"), whole(profile.rows_read)]]
    rows += [[say("cohort.excluded", reason=why), whole(n)] for why, n in exclusions(profile)]
    rows.append([say("cohort.counted"), whole(profile.rows_used)])
    rows.append([say("cohort.with_score"), whole(m.n_scored)])
    rows.append([say("cohort.without_score"), whole(m.n_unscored)])
    return rows


def _follow_up(m: Material) -> list[list[str]]:
    if m.spec.subscription is None or "exit" not in m.results.counts.cells:
        return []
    scored = m.results.counts.cells[m.results.counts.cells["score"].notna()]
    lost = scored["cause"].astype(str) != ""
    unit, there = m.spec.unit, scored[~lost]
    followed = int(((scored["exit"] - scored["entry"]) * scored["n"]).sum())
    rows = [
        [say("cohort.lost"), whole(int(scored.loc[lost, "n"].sum()))],
        [say("cohort.censored"), whole(int(there["n"].sum()))],
        [say("cohort.exposure", units=units(unit)), whole(followed)],
        [
            say("cohort.longest"),
            periods(int((scored["exit"] - scored["entry"]).max()), unit) if len(scored) else NONE,
        ],
    ]
    middle = _median(there["exit"] - there["entry"], there["n"])
    return [
        *rows,
        [say("cohort.median"), periods(middle, unit) if middle is not None else NONE],
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
    window = periods(m.spec.spend.window_months, "month")
    return [
        [say("cohort.complete", window=window), whole(complete)],
        [say("cohort.incomplete"), whole(m.n_scored - complete)],
        [say("cohort.without_spend"), whole(zero)],
    ]
