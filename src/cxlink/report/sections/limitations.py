"""What a cohort's figures do not show: the sentences that keep them from being read as more than they are."""

import math

from cxlink.checks import matching
from cxlink.cohort.spec.cohort_spec import TENURE_AT_SURVEY
from cxlink.estimands.support_checks import LEAST_SUPPORT
from cxlink.report.check_notes import note
from cxlink.report.content import Material
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.format import (
    NONE,
    decimal,
    full,
    levels,
    listed,
    periods,
    score,
    signed,
    units,
    variable,
    who,
)
from cxlink.report.posterior_sections.posterior_warnings import sampling_failures
from cxlink.report.profile_words import table_notes
from cxlink.report.words import say

_ESTIMANDS = {"kaplan_meier": "retention", "means": "spend"}
_OUTCOMES = ("retained", "lost", "")
_LARGE = 10  # E-values from here on have no decimals


def limits(m: Material) -> list[str]:
    """Give the limits of a cohort's figures, most important first; at the end the notes on its table."""
    items = [
        *sampling_failures(m.results.checks),
        _association(m),
        _respondents(m),
        *filter(None, support(m)),
        *_separated(m),
        *_tenure_at_survey(m),
    ]
    if any(row.extrapolated > 0 and row.model != "kaplan_meier" for row in m.book.where("tenure")):
        items.append(say("limitations.extrapolated"))
    least = m.spec.publish.smallest_cell
    if least:
        items.append(say("limitations.small_groups", least=least, blank=NONE))
    return [*items, *table_notes(m.results)]


def adjusted_for(m: Material) -> str:
    """Name the adjustment variables: ``plan and region``; nothing where there are none."""
    return listed([variable(name) for name in m.spec.stratum_variables])


def standardised_to(rows: list[Estimate | None], m: Material) -> str:
    """Say in a clause what estimates are adjusted for."""
    names = adjusted_for(m)
    if any(row is not None and row.adjusted == "standardised" for row in rows):
        return say("limitations.standardised", names=names, customers=mixed(m))
    return say("limitations.unadjusted_for", names=names) if names else say("limitations.unadjusted")


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
    last = units(unit, 1) if sub.window == 1 else periods(sub.window, unit)
    text = say("limitations.snapshot", last=last)
    if sub.window >= m.spec.horizon:
        return text
    return f"{text} {say('limitations.snapshot_chained', horizon=periods(m.spec.horizon, unit))}"


def unsupported(m: Material, model: str) -> bool:
    """Whether the headline contrast stands on nobody: in no stratum does every level compared have customers."""
    return any(share == 0 for name, share in _supports(m) if name == model)


def _supports(m: Material) -> list[tuple[str, float]]:
    """Give the share of customers that the headline contrast of each model stands on."""
    group, reference = m.sides
    own = matching(
        m.results.checks, code="support", group=group, reference=reference, adjusted="standardised"
    )
    return [(check.model, check.value) for check in own]


def support(m: Material) -> list[str]:
    """Say where the headline contrast stands on too few customers, in all or a stratum, and what was done about it."""
    thin = [(model, share) for model, share in _supports(m) if share < LEAST_SUPPORT]
    others = [model for model in _ESTIMANDS if model not in dict(thin)]
    return [*(_thin(m, model, share) for model, share in thin), *(_few(m, model) for model in others)]


def _few(m: Material, model: str) -> str:
    """Say which sides of the headline have too few customers a stratum; nothing where they have enough."""
    few = matching(m.results.checks, code="customers_per_stratum", model=model, passed=False)
    stands = m.book.headline(_ESTIMANDS[model], m.sides[0])
    if not few or stands is None or stands.model == model:
        return ""
    sides = [levels(check.group, m.spec) for check in few]
    why = say(f"limitations.few_{_ESTIMANDS[model]}", levels=sides, least=int(few[0].bound))
    return f"{why} {say(f'limitations.fallback_{m.spec.score.effect}', model=_additive(m, stands))}"


def _thin(m: Material, model: str, share: float) -> str:
    """One such sentence; nothing where the headline stands on nobody, which the results say themselves."""
    estimand, after = _ESTIMANDS[model], periods(m.spec.horizon, m.spec.unit)
    stands = m.book.headline(estimand, m.sides[0])
    if stands is None or stands.model == model:
        return say(f"limitations.support_{estimand}", share=share, after=after) if share else ""
    parts = [
        say(f"limitations.limited_{estimand}", share=share, after=after),
        say(f"limitations.fallback_{m.spec.score.effect}", model=_additive(m, stands)),
        _for_the_few(m, model),
    ]
    return " ".join(part for part in parts if part)


def _for_the_few(m: Material, model: str) -> str:
    """Give the nonparametric figures of the customers with common support, and where they are drawn."""
    estimand = _ESTIMANDS[model]
    horizon = m.spec.horizon if model == "kaplan_meier" else None
    rows = [m.book.get(estimand, side, model, horizon, adjusted="standardised") for side in m.sides]
    known = [row for row in rows if row is not None and not row.blank]
    if len(known) < len(rows):
        return ""
    figures = [say("limitations.of_group", value=full(row), group=score(row.group, m.spec)) for row in known]
    return say(f"limitations.supported_{estimand}", figures=figures)


def _additive(m: Material, stands: Estimate) -> str:
    """Name the fallback estimator, and the customers that it answers for."""
    group, reference = m.sides
    own = matching(m.results.checks, code="followed", model=stands.model, group=group, reference=reference)
    share = min((check.value for check in own if check.facts["adjusted"] == "standardised"), default=1.0)
    kind = "some" if share < 1 else "all"
    return say(f"limitations.{stands.model}_for_{kind}", **({"share": share} if share < 1 else {}))


def _association(m: Material) -> str:
    names = adjusted_for(m)
    beyond = say("limitations.beyond", names=names) if names else say("limitations.beyond_nothing")
    parts = [say("limitations.associations"), beyond, _e_values(m)]
    return " ".join(part for part in parts if part)


def _e_values(m: Material) -> str:
    """Give the E-values of the headline's ratios; a later section says what they mean."""
    group, reference = m.sides
    rows = {row.scenario: row for row in m.book.where("e_value", group=group, reference=reference)}
    if m.spec.analysis.models == "quick" or any(row.blank for row in rows.values()):
        return ""
    values = [
        say(
            f"limitations.e_value_{key or 'spend'}",
            value=decimal(rows[key].estimate, 1 if rows[key].estimate < _LARGE else 0),
        )
        for key in _OUTCOMES
        if key in rows and math.isfinite(rows[key].estimate)
    ]
    if not values:
        return ""
    return say("limitations.e_values", values=values, section=say("sensitivity.heading"))


def _e_value(value: float) -> str:
    return decimal(value, 1 if value < _LARGE else 0)


def _respondents(m: Material) -> str:
    if not m.n_unscored:
        return say("limitations.all_scored")
    everybody = m.n_scored + m.n_unscored
    response = say(
        "limitations.response", unscored=m.n_unscored, everybody=everybody, share=m.n_scored / everybody
    )
    kind = "standardised" if m.spec.analysis.target == "customers" and adjusted_for(m) else "plain"
    return f"{response} {say(f'limitations.nonresponse_{kind}')}"


def _separated(m: Material) -> list[str]:
    """Say so where everybody on one side was lost and nobody on the other: too sharp to be a prediction."""
    if not all(m.has(side) for side in m.sides):
        return []
    rows = [m.book.get("retention", side, "kaplan_meier", m.spec.horizon) for side in m.sides]
    known = [row for row in rows if row is not None and row.n and row.n_events is not None]
    lost = [row for row in known if row.n_events == row.n]
    retained = [row for row in known if row.n_events == 0]
    if not (lost and retained):
        return []
    return [
        say(
            "limitations.separated", n_lost=lost[0].n, lost=who(lost[0].group, m.spec), n_retained=retained[0].n,
            retained=who(retained[0].group, m.spec),
        )
    ]  # fmt: skip


def _tenure_at_survey(m: Material) -> list[str]:
    sub = m.spec.subscription
    if sub is None or sub.clock == "signup" or TENURE_AT_SURVEY in m.spec.stratum_variables:
        return []
    return [say("limitations.tenure_at_survey")]
