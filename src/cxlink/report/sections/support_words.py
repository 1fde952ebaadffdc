"""What the headline stands on: the customers with common support, and what took over where they are too few."""

from cxlink.checks import matching
from cxlink.estimands.support_checks import LEAST_SUPPORT
from cxlink.groups.effective_buckets import FEWEST_BUCKETS
from cxlink.report.content import Material
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.format import full, levels, periods, score
from cxlink.report.words import say

_CLEARLY = 2.0
"""Standard errors of a gain in log score from which on one structure is said to predict better than another."""
_ESTIMANDS = {"kaplan_meier": "retention", "means": "spend"}


def unsupported(m: Material, model: str) -> bool:
    """Whether the headline contrast stands on nobody: in no stratum does every level compared have customers."""
    return any(share == 0 for name, share in _supports(m) if name == model)


def _supports(m: Material) -> list[tuple[str, float]]:
    """Give the share of customers that the headline contrasts of retention and of spend stand on."""
    group, reference = m.sides
    own = matching(
        m.results.checks, code="support", group=group, reference=reference, adjusted="standardised"
    )
    return [(check.model, check.value) for check in own if check.model in _ESTIMANDS]


def support(m: Material) -> list[str]:
    """Say where the headline contrast stands on too few customers, in all or a stratum, and what those say alone."""
    thin = [(model, share) for model, share in _supports(m) if share < LEAST_SUPPORT]
    others = [model for model in _ESTIMANDS if model not in dict(thin)]
    return [*(_thin(m, model, share) for model, share in thin), *(_few(m, model) for model in others)]


def stands_on(m: Material) -> list[str]:
    """Say in short which main results have too few customers to stand on, and which model gives them instead."""
    shares = dict(_supports(m))
    return [text for model in _ESTIMANDS for text in [_in_short(m, model, shares.get(model, 1.0))] if text]


def _in_short(m: Material, model: str, share: float) -> str:
    """Say so of an outcome; nothing where there are enough, or no headline, which the results say themselves."""
    stands, why = m.book.headline(_ESTIMANDS[model], m.sides[0]), _lacking(m, model, share)
    if stands is None or not why:
        return ""
    tenure = m.book.headline("tenure", m.sides[0])
    alike = model == "kaplan_meier" and tenure is not None and tenure.model == stands.model
    outcomes = [_ESTIMANDS[model], *(["tenure"] if alike else [])]
    facts = {
        "why": say(f"results.support_{why}", **({"share": share} if why == "thin" else {})),
        "outcomes": [say(f"results.supported_{one}") for one in outcomes],
    }
    if stands.model == model:
        return say("results.not_taken_over", section=say("first_page.limits_heading"), **facts)
    return " ".join([say("results.lacking", **facts), *_took_over(m, stands)])


def _lacking(m: Material, model: str, share: float) -> str:
    """Name what the main results of a model lack; nothing where they lack nothing."""
    if share < LEAST_SUPPORT:
        return "thin" if share else "none"
    fewer = {"few": "customers_per_stratum", "clusters": "buckets_per_group"}
    return next(
        (
            why
            for why, code in fewer.items()
            if matching(m.results.checks, code=code, model=model, passed=False)
        ),
        "",
    )


def _few(m: Material, model: str) -> str:
    """Say which sides of the headline have too few customers a stratum; nothing where they have enough."""
    few = matching(m.results.checks, code="customers_per_stratum", model=model, passed=False)
    scattered = matching(m.results.checks, code="buckets_per_group", model=model, passed=False)
    stands = m.book.headline(_ESTIMANDS[model], m.sides[0])
    if not (few or scattered) or stands is None:
        return ""
    why, key = [], _ESTIMANDS[model]
    if few:
        sides = [levels(check.group, m.spec) for check in few]
        why.append(say(f"limitations.few_{key}", levels=sides, least=int(few[0].bound)))
    if scattered:
        sides = [levels(side, m.spec) for side in dict.fromkeys(check.group for check in scattered)]
        why.append(say(f"limitations.few_clusters_{key}", levels=sides, least=FEWEST_BUCKETS))
    if stands.model == model:
        return " ".join([*why, say("limitations.no_fallback")])
    return " ".join(why)


def _thin(m: Material, model: str, share: float) -> str:
    """One such sentence; nothing where the headline stands on nobody, which the results say themselves."""
    estimand, lacks = _ESTIMANDS[model], _lacks(m, _ESTIMANDS[model])
    stands = m.book.headline(estimand, m.sides[0])
    if stands is None or stands.model == model:
        return say(f"limitations.support_{estimand}", share=share, lacks=lacks) if share else ""
    parts = [say(f"limitations.limited_{estimand}", lacks=lacks), _for_the_few(m, model)]
    return " ".join(part for part in parts if part)


def _lacks(m: Material, estimand: str) -> str:
    """What one of the levels compared lacks in a stratum without common support."""
    lacks = say(f"limitations.lacks_{estimand}", after=periods(m.spec.horizon, m.spec.unit))
    return say("limitations.or_one_bucket", lacks=lacks) if m.spec.cluster_column else lacks


def _took_over(m: Material, stands: Estimate) -> list[str]:
    """Name the fallback estimator and what it assumes, and say where the counts speak against that."""
    said = [say(f"limitations.fallback_{m.spec.score.effect}", model=_additive(m, stands))]
    differing = [
        check
        for check in matching(m.results.checks, code="tail_structure")
        if str(check.facts["case"]).startswith("by_stratum")
        and check.value > _CLEARLY * float(str(check.facts["std_error"]))
    ]
    rows = [
        m.book.get("tenure", side, "spliced", m.spec.horizon, adjusted="standardised") for side in m.sides
    ]
    known = [row for row in rows if row is not None and not row.blank]
    if stands.model == "grouped_ph" and differing and len(known) == len(rows):
        figures = [
            say("limitations.of_group", value=full(row), group=score(row.group, m.spec)) for row in known
        ]
        after = periods(m.spec.horizon, m.spec.unit)
        said.append(say("limitations.additive_contradicted", after=after, figures=figures))
    return said


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
