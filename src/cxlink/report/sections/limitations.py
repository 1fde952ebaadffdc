"""What a cohort's figures do not show: the sentences that keep them from being read as more than they are."""

import math

from cxlink.checks import Check, matching
from cxlink.cohort.spec.cohort_spec import TENURE_AT_SURVEY
from cxlink.report.check_notes import note
from cxlink.report.content import Material
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.format import (
    NONE,
    full,
    levels,
    listed,
    periods,
    score,
    signed,
    stretch,
    variable,
    who,
)
from cxlink.report.posterior_sections.posterior_warnings import sampling_failures
from cxlink.report.profile_words import exclusions, guesses, other_notes
from cxlink.report.sections.support_words import support
from cxlink.report.words import say
from cxlink.survival.sparsity import FEWEST

_MANY_LEFT_OUT = 0.05  # share of rows from which their exclusion stands before the notes on the table


def limits(m: Material) -> list[str]:
    """Give the limits of a cohort's figures, most important first; at the end the notes on its table."""
    left_out, many = _excluded(m)
    items = [
        *sampling_failures(m.results.checks),
        *guesses(m.results.profile),
        _association(m),
        *filter(None, support(m)),
        _respondents(m),
        *(left_out if many else ()),
        *_separated(m),
        *_undated(m),
        *_tenure_at_survey(m),
    ]
    if any(row.extrapolated > 0 and row.model != "kaplan_meier" for row in m.book.where("tenure")):
        items.append(_extrapolated(m))
    least = m.spec.publish.smallest_cell
    if least:
        items.append(say("limitations.small_groups", least=least, blank=NONE))
    clustered = map(note, matching(m.results.checks, code="left_out_of_clusters"))
    return [*items, *other_notes(m.results), *clustered, *(() if many else left_out)]


def _extrapolated(m: Material) -> str:
    """Say that estimates are extrapolations, and of whom they rest on hardly any losses."""
    groups = [score(check.group, m.spec) for check in hardly_lost(m)]
    more = say("limitations.extrapolated_few", groups=groups, section=say("tenure.heading")) if groups else ""
    return f"{say('limitations.extrapolated')} {more}".strip()


def hardly_lost(m: Material) -> list[Check]:
    """Give of each band whose extrapolation rests on hardly any losses the check that counts them."""
    few = matching(m.results.checks, code="losses_carried_on", group=m.bands)
    return [check for check in few if not math.isnan(check.value)]


def adjusted_for(m: Material) -> str:
    """Name the adjustment variables: ``plan and region``; nothing where there are none."""
    return listed([variable(name) for name in m.spec.stratum_variables])


def standardised_to(rows: list[Estimate | None], m: Material) -> str:
    """Say in a clause what estimates are adjusted for."""
    if any(row is not None and row.adjusted == "standardised" for row in rows):
        return say("limitations.standardised", names=mix_of(m), customers=mixed(m))
    names = adjusted_for(m)
    return say("limitations.unadjusted_for", names=names) if names else say("limitations.unadjusted")


def mix_of(m: Material) -> str:
    """Name what standardised figures have one mix of: of customers who enter late, the time elapsed at least."""
    return adjusted_for(m) or say("limitations.elapsed")


def mixed(m: Material) -> str:
    """Name the customers to whose mix figures are standardised."""
    return say(f"limitations.target_{m.spec.analysis.target}")


def resolved(m: Material) -> list[str]:
    """Say which band was widened, and whether the horizon is short of a year."""
    found = matching(m.results.checks, code=("band_widened", "horizon_shortened"))
    return [note(check) for check in found if not check.get("blank")]


def empty_bands(m: Material) -> list[str]:
    """Say which band has nobody in it, and which is the worst level that has customers."""
    sentences = [
        say(f"limitations.empty_{band}", levels=levels(band, m.spec))
        for band in ("worst", "best")
        if not m.has(band)
    ]
    sentences += _too_small(m)
    if len(m.bands) < 2 and m.scores:
        sentences[-1] += " " + say("limitations.lowest_score", level=_worst_with_customers(m))
    return sentences


def _too_small(m: Material) -> list[str]:
    """Say which band has customers, but too few for their figures to be published."""
    small = [levels(band, m.spec) for band in m.bands if m.too_small(band)]
    return [say("limitations.small_band", least=m.spec.publish.smallest_cell, levels=band) for band in small]


def _worst_with_customers(m: Material) -> str:
    level, n = next(iter(m.scores.items()))
    if n is None:
        return signed(level)
    row = m.book.get("retention", str(level), "kaplan_meier", m.spec.horizon)
    if row is None or row.blank:
        return say("limitations.level", level=signed(level), n=n)
    after = periods(m.spec.horizon, m.spec.unit)
    return say("limitations.level_retained", level=signed(level), n=n, retention=full(row), after=after)


def snapshot(m: Material) -> str:
    """Say that a snapshot follows nobody for as long as its figures reach; nothing for other cohorts."""
    sub, unit = m.spec.subscription, m.spec.unit
    if sub is None or sub.window is None:
        return ""
    text = say("limitations.snapshot", last=stretch(sub.window, unit))
    if sub.window >= m.spec.horizon:
        return text
    return f"{text} {say('limitations.snapshot_chained', horizon=periods(m.spec.horizon, unit))}"


def _association(m: Material) -> str:
    standardised = any(row.adjusted == "standardised" for row in m.book.where("retention"))
    names = mix_of(m) if standardised else adjusted_for(m)
    beyond = say("limitations.beyond", names=names) if names else say("limitations.beyond_nothing")
    return f"{say('limitations.associations')} {beyond}"


def _respondents(m: Material) -> str:
    if not m.n_unscored:
        return say("limitations.all_scored")
    everybody = m.n_customers + m.n_unscored
    response = say(
        "limitations.response", n=m.n_unscored, everybody=everybody, share=m.n_customers / everybody
    )
    kind = "standardised" if m.spec.analysis.target == "customers" and adjusted_for(m) else "plain"
    return f"{response} {say(f'limitations.nonresponse_{kind}')}"


def _separated(m: Material) -> list[str]:
    """Say so where everybody on one side was lost and nobody on the other: too sharp to be a prediction.

    Of fewer than ten on a side that is nothing odd.
    """
    if not all(m.has(side) for side in m.sides):
        return []
    rows = [m.book.get("retention", side, "kaplan_meier", m.spec.horizon) for side in m.sides]
    known = [row for row in rows if row is not None and row.n and row.n_events is not None]
    lost = [row for row in known if row.n_events == row.n]
    retained = [row for row in known if row.n_events == 0]
    if not (lost and retained) or min(lost[0].n or 0, retained[0].n or 0) < FEWEST:
        return []
    return [
        say(
            "limitations.separated", n_lost=lost[0].n, lost=who(lost[0].group, m.spec), n_retained=retained[0].n,
            retained=who(retained[0].group, m.spec),
        )
    ]  # fmt: skip


def _excluded(m: Material) -> tuple[list[str], bool]:
    """Say how many rows of the table the figures leave out, and why; and whether they are many."""
    profile = m.results.profile
    kinds, n = exclusions(profile), sum(one.n for one in profile.dropped)
    reasons = [say("limitations.excluded_reason", n=size, reason=reason) for reason, size in kinds]
    reasons = [kinds[0][0]] if len(kinds) == 1 else reasons
    if not reasons:
        return [], False
    text = say("limitations.excluded", n=n, read=profile.rows_read, reasons=reasons)
    return [text], n >= _MANY_LEFT_OUT * profile.rows_read


def _undated(m: Material) -> list[str]:
    """Say of a snapshot without a day of the score that the score may be younger than the decision to leave."""
    sub = m.spec.subscription
    if sub is None or sub.window is None or sub.survey is not None:
        return []
    return [say("limitations.snapshot_undated", last=stretch(sub.window, sub.unit))]


def _tenure_at_survey(m: Material) -> list[str]:
    sub = m.spec.subscription
    if sub is None or sub.clock == "signup" or TENURE_AT_SURVEY in m.spec.stratum_variables:
        return []
    return [say("limitations.tenure_at_survey")]
