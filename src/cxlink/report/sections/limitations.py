"""What a cohort's figures do not show: the sentences that keep them from being read as more than they are."""

from cxlink.checks import matching
from cxlink.cohort.spec.cohort_spec import TENURE_AT_SURVEY
from cxlink.report.content import Material
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.format import (
    NONE,
    THIN,
    customers,
    decimal,
    full,
    levels,
    listed,
    percent,
    periods,
    score,
    signed,
    variable,
    who,
    whole,
)

_LEAST_SUPPORT = 0.9


def limits(m: Material) -> list[str]:
    """Give the limits of a cohort's figures, most important first; at the end the notes on its table."""
    items = [
        *(m.results.bayesian.warnings if m.results.bayesian is not None else ()),
        _association(m),
        _respondents(m),
        *filter(None, support(m)),
        *_separated(m),
        *_tenure_at_survey(m),
    ]
    if any(row.extrapolated > 0 for row in m.book.where("tenure")):
        items.append("What lies beyond follow-up comes from the shape of a model. Nobody has seen it.")
    least = m.spec.publish.smallest_cell
    if least:
        items.append(f"Groups with fewer than {whole(least)} customers are left blank ({NONE}).")
    return [*items, *(note.replace(" %", f"{THIN}%") for note in m.results.profile.notes)]


def adjusted_for(m: Material) -> str:
    """Name the adjustment variables: ``plan and region``; nothing where there are none."""
    return listed([variable(name) for name in m.spec.stratum_variables])


def standardised_to(rows: list[Estimate | None], m: Material) -> str:
    """Say in a clause what estimates are adjusted for."""
    names = adjusted_for(m)
    if any(row is not None and row.adjusted == "standardised" for row in rows):
        return f"standardised to the mix of {names} among {mixed(m)}"
    return f"not adjusted for {names or 'anything'}"


def mixed(m: Material) -> str:
    """Name the customers to whose mix figures are standardised."""
    everybody = m.spec.analysis.target == "customers"
    return "all customers, with a score or without" if everybody else "all customers with a score"


def empty_bands(m: Material) -> list[str]:
    """Say which band has nobody in it, and which is the worst level that has customers."""
    sentences = [
        f"Nobody gave {levels(band, m.spec)}, so there is no {band} band and nothing is compared with it."
        for band in ("worst", "best")
        if not m.has(band)
    ]
    sentences += _too_small(m)
    if len(m.bands) < 2 and m.scores:
        sentences[-1] += f" The worst score that has customers is {_worst_with_customers(m)}."
    return sentences


def _too_small(m: Material) -> list[str]:
    """Say which band has customers, but too few for their figures to be published."""
    least = whole(m.spec.publish.smallest_cell)
    small = [levels(band, m.spec) for band in m.bands if m.too_small(band)]
    return [f"Fewer than {least} customers gave {band}: their figures are left blank." for band in small]


def _worst_with_customers(m: Material) -> str:
    level, n = next(iter(m.scores.items()))
    if n is None:
        return signed(level)
    text = f"{signed(level)} ({customers(n)}"
    row = m.book.get("retention", str(level), "kaplan_meier", m.spec.horizon)
    if row is not None and not row.blank:
        text += f", of whom {full(row)} were still there after {periods(m.spec.horizon, m.spec.unit)}"
    return f"{text})"


def snapshot(m: Material) -> str:
    """Say that a snapshot follows nobody for as long as its figures reach; nothing for other cohorts."""
    sub, unit, horizon = m.spec.subscription, m.spec.unit, periods(m.spec.horizon, m.spec.unit)
    if sub is None or sub.window is None:
        return ""
    last = f"last {unit}" if sub.window == 1 else f"last {periods(sub.window, unit)}"
    text = f"This is a snapshot: each customer was observed for at most the {last}."
    if sub.window >= m.spec.horizon:
        return text
    return (
        f"{text} Retention {horizon} after the score therefore chains the losses of customers of different tenures, as "
        f"if those of one tenure today were those of another later. Nobody was followed for {horizon}."
    )


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
    """Say where the headline contrast stands on less than nine in ten customers, and what was done about it."""
    return [_thin(m, model, share) for model, share in _supports(m) if share < _LEAST_SUPPORT]


SHAPES = {"linear": "a straight line", "monotone": "one that never turns back", "spline": "a smooth curve"}
"""What `[score] effect` asks of the score's effect in models; levels are free."""
_OUTCOME = {"kaplan_meier": ("retention", "Retention"), "means": ("spend", "Mean spend")}


def _shape(m: Material) -> str:
    shape = SHAPES.get(m.spec.score.effect)
    return f", and their effect to be {shape}, as the specification asks" if shape else ""


def _thin(m: Material, model: str, share: float) -> str:
    """One such sentence; nothing where the headline stands on nobody, which the results say themselves."""
    estimand, name = _OUTCOME[model]
    lacking = (
        f"nobody at risk up to {periods(m.spec.horizon, m.spec.unit)}"
        if model == "kaplan_meier"
        else "nobody with a complete window"
    )
    stands = m.book.headline(estimand, m.sides[0])
    if stands is not None and stands.model != model:
        return (
            f"{name} can be compared like with like for {percent(share, 1)} of the customers only: in the other strata "
            f"one of the levels compared has {lacking}. The main results therefore come from {_additive(m, stands)}, "
            f"which takes scores to make the same relative difference in every stratum{_shape(m)}."
            f"{_for_the_few(m, model)}"
        )
    if share == 0:
        return ""
    return (
        f"Standardised {estimand} stands on {percent(share, 1)} of the customers: in the other strata one of the "
        f"levels compared has {lacking}."
    )


def _for_the_few(m: Material, model: str) -> str:
    """Give the nonparametric figures of the customers that can be compared like with like, and where they are drawn."""
    estimand = _OUTCOME[model][0]
    horizon = m.spec.horizon if model == "kaplan_meier" else None
    rows = [m.book.get(estimand, side, model, horizon, adjusted="standardised") for side in m.sides]
    known = [row for row in rows if row is not None and not row.blank]
    if len(known) < len(rows):
        return ""
    name = {"kaplan_meier": "Kaplan–Meier gives", "means": "their own means are"}[model]
    said = listed([f"{full(row)} for {score(row.group, m.spec)}" for row in known])
    return f" For those customers alone {name} {said}; the pictures show these."


def _additive(m: Material, stands: Estimate) -> str:
    """Name the model that took over, and the customers that it answers for."""
    group, reference = m.sides
    own = matching(m.results.checks, code="followed", model=stands.model, group=group, reference=reference)
    share = min((check.value for check in own if check.facts["adjusted"] == "standardised"), default=1.0)
    name = {"grouped_ph": "a proportional-hazards model", "poisson": "an additive Poisson model"}[
        stands.model
    ]
    if share < 1:
        return f"{name} (for the {percent(share, 1)} whose follow-up reaches so far)"
    return f"{name} (for all of them)"


def _association(m: Material) -> str:
    names = adjusted_for(m)
    held = f"Beyond {names}, any" if names else "Nothing was adjusted for: any"
    return (
        f"They are associations. Customers who give different scores differ in other ways too. {held} such "
        "difference is part of the figures, and they do not say what would happen if a score were changed."
        f"{_e_values(m)}"
    )


def _e_values(m: Material) -> str:
    """Give the E-values of the headline's ratios; a later section says what they mean."""
    names, (group, reference) = {"retained": "staying", "lost": "leaving", "": "spend"}, m.sides
    rows = {row.scenario: row for row in m.book.where("e_value", group=group, reference=reference)}
    said = [f"{decimal(rows[key].estimate, 1)} for {name}" for key, name in names.items() if key in rows]
    if not said or any(row.blank for row in rows.values()):
        return ""
    return f" E-values of the ratios: {listed(said)} (see “What else could explain it”)."


def _respondents(m: Material) -> str:
    if not m.n_unscored:
        return (
            "Everybody in the table has a score; customers who were not asked or did not answer are not in "
            "it, and nothing here describes them."
        )
    everybody = m.n_scored + m.n_unscored
    text = "The figures describe those who answered, not the others."
    if m.spec.analysis.target == "customers" and adjusted_for(m):
        text = (
            "Standardised figures have the mix of all customers; that those who did not answer would otherwise do as "
            "those who did is assumed."
        )
    return (
        f"{whole(m.n_unscored)} of {whole(everybody)} customers have no score (response "
        f"{percent(m.n_scored / everybody)}). {text}"
    )


def _separated(m: Material) -> list[str]:
    """Say so where everybody on one side was lost and nobody on the other: too sharp to be a forecast."""
    if not all(m.has(side) for side in m.sides):
        return []
    rows = [m.book.get("retention", side, "kaplan_meier", m.spec.horizon) for side in m.sides]
    known = [row for row in rows if row is not None and row.n and row.n_events is not None]
    lost = [row for row in known if row.n_events == row.n]
    kept = [row for row in known if row.n_events == 0]
    if not (lost and kept):
        return []
    return [
        f"All {whole(lost[0].n)} {who(lost[0].group, m.spec)} were lost, and none of the {whole(kept[0].n)} "
        f"{who(kept[0].group, m.spec)}. Scores that tell the two apart so sharply may have been given, or filled in, "
        "when it was already known who leaves; the figures then say little about customers who have yet to decide."
    ]


def _tenure_at_survey(m: Material) -> list[str]:
    sub = m.spec.subscription
    if sub is None or sub.clock == "signup" or TENURE_AT_SURVEY in m.spec.stratum_variables:
        return []
    return [
        "How long customers had already been with the company when they gave the score is not adjusted for. "
        "Long-standing customers leave less often; if they also score differently, part of the difference "
        "is theirs."
    ]
