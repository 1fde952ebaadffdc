"""Lines of a cohort's profile: rows, scores, follow-up, and the headline under both conventions."""

from cxlink.cohort.arguments_given import refuse_other
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.resolution import with_resolution_of
from cxlink.cohort.counted import counted
from cxlink.cohort.input_checks import input_checks
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.strata import stratum_column
from cxlink.cohort.table import Cohort
from cxlink.report.check_notes import note
from cxlink.report.content import counted_by
from cxlink.report.format import FIRM, THIN, levels, listed, percent, periods, units, whole
from cxlink.report.language import counting
from cxlink.report.profile_words import exclusion_moves, exclusions, profile_notes, time_origin
from cxlink.report.words import say
from cxlink.sensitivity.duration_convention import headline_points
from cxlink.sensitivity.excluded_rows import exclusion_findings
from cxlink.sensitivity.snapshot_losses import spread_over_window


def profile(cohort: Cohort) -> str:
    """Describe a cohort before any model: what ``cxlink check`` prints.

    Parameters
    ----------
    cohort : Cohort
        From `cxlink.read_cohort`.

    Returns
    -------
    str
        Lines: rows read, used and excluded, customers by score and stratum, follow-up, retention under both duration
        conventions, and notes.
    """
    refuse_other(cohort, (Cohort,), "cohort")
    return "\n".join(profile_lines(cohort))


def profile_lines(cohort: Cohort) -> list[str]:
    """Profile of a cohort, and its retention under both duration conventions.

    Parameters
    ----------
    cohort : Cohort
        Read and checked.

    Returns
    -------
    list of str
        Lines for a terminal or a notebook.
    """
    counts = cohort.count()
    lines = [*_rows(counts), *_scores(counts)]
    if counts.spec.subscription is not None:
        lines += [*_follow_up(counts), *_headline(cohort, counts)]
    if counts.spec.spend is not None:
        complete, n = (int(counts.scored[name].sum()) for name in ("spend_n", "n"))
        with counting(counted_by(counts.spec)):
            lines.append(say("terminal.spend", complete=complete, scored=n))
    moved = exclusion_moves(exclusion_findings(counted(cohort)), counts.spec)
    settled = [note(check) for check in input_checks(counts)]
    notes = [*moved, *settled, *profile_notes(counts), *empty_bands(counts)]
    return plain([*lines, *noted(notes)])


def _rows(counts: Counts) -> list[str]:
    profile = counts.profile
    rows = say("terminal.rows", table=profile.table, n=profile.rows_read, used=profile.rows_used)
    return [rows, *(say("terminal.excluded", n=n, reason=reason) for reason, n in exclusions(profile))]


def _scores(counts: Counts) -> list[str]:
    spec, by_score = counts.spec, counts.scored.groupby("score")["n"].sum()
    total, unscored = int(by_score.sum()), int(counts.cells.loc[counts.cells["score"].isna(), "n"].sum())
    facts = {"column": spec.score.column, "scale": spec.score.scale}
    lines = [say("terminal.scores", scored=total, unscored=unscored, **facts)]
    label: dict[object, str] = dict(enumerate(spec.score.labels, spec.scale.low))
    lines += [
        f"  {level:>4}  {whole(n):>12}  {percent(n / total, 1):>7}  {label.get(level, '')}".rstrip()
        for level, n in by_score.items()
    ]
    for name in spec.stratum_variables:
        n = counts.scored.groupby(stratum_column(name))["n"].sum()
        shares = [f"{category} {percent(of / total, 1)}" for category, of in n.items()]
        lines.append(f"{name}: {', '.join(shares)}")
    return lines


def _follow_up(counts: Counts) -> list[str]:
    cells, unit = counts.scored, counts.spec.unit
    if not len(cells):
        return []
    lost = cells[cells["cause"] != ""]
    longest = periods(int(cells["exit"].max()), unit)
    n, censored = int(lost["n"].sum()), int(cells.loc[cells["cause"] == "", "n"].sum())
    losses = say("terminal.losses", lost=n, censored=censored, longest=longest)
    lines = [" ".join([time_origin(counts.spec), *_rounding(counts.spec)]), losses]
    causes = lost.groupby("cause")["n"].sum()
    if len(causes) > 1:
        lines.append(say("terminal.causes", causes=[f"{cause} {whole(n)}" for cause, n in causes.items()]))
    return lines


def _rounding(spec: CohortSpec) -> list[str]:
    """Say how recorded durations are taken, where no follow-up tells how long customers could have been observed."""
    sub = spec.subscription
    if sub is None or sub.dated or sub.follow_up is not None:
        return []
    return [say("terminal.rounding", unit=units(sub.unit, 1), units=units(sub.unit))]


def _headline(cohort: Cohort, counts: Counts) -> list[str]:
    spec = counts.spec
    sub = spec.subscription
    assert sub is not None
    horizon = periods(spec.horizon, spec.unit)
    lines = [say("terminal.retention", horizon=horizon)]
    for convention in [sub.counts] if sub.dated else ["periods", "completed"]:
        points = headline_points(with_resolution_of(counts, cohort.count(convention)))
        shown = listed([f"{name} {percent(value, 1)}" for name, value in points.items()])
        own = "own" if convention == sub.counts else convention
        under = "" if sub.dated else say(f"terminal.convention_{own}", counts=convention)
        lines.append(f"  {under}{shown or say('terminal.no_follow_up', horizon=horizon)}")
    if sub.window is not None and sub.window > 1:
        points = headline_points(spread_over_window(counts))
        shown = listed([f"{name} {percent(value, 1)}" for name, value in points.items()])
        lines += [f"  {say('terminal.window_losses')}{shown}"] if shown else []
    return lines


def empty_bands(counts: Counts) -> list[str]:
    """Say which bands have no customer, and the nearest score that has some."""
    spec = counts.spec
    present = [level for level in spec.scale.levels if (counts.scored["score"] == level).any()]
    said = []
    for name, band in (("worst", spec.worst), ("best", spec.best)):
        if present and not set(present) & set(band):
            empty = say(f"limitations.empty_{name}", levels=levels(name, spec))
            nearest = present[0] if name == "worst" else present[-1]
            said.append(f"{empty} {say(f'terminal.nearest_{name}', level=str(nearest))}")
    return said


def plain(lines: list[str]) -> list[str]:
    """Write no-break spaces as spaces, which every terminal shows."""
    return [line.replace(THIN, " ").replace(FIRM, " ") for line in lines]


def noted(texts: list[str]) -> list[str]:
    """Mark notes as such."""
    return [say("terminal.note", note=text) for text in texts]
