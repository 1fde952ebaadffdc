"""What a reader of page one must know before its numbers: few customers, and a sign the wrong way round."""

from cxlink.checks import matching
from cxlink.cohort.count.resolution import LEAST_CUSTOMERS
from cxlink.report.content import Material
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.format import levels, who
from cxlink.report.profile_words import adjuster_notes, unused_tenure
from cxlink.report.sections.main_results import headline
from cxlink.report.words import say


def few(m: Material) -> list[str]:
    """Name each band of the headline with too few customers to be relied on, and how many it has."""
    sizes = {side: m.size(side) for side in dict.fromkeys(m.sides) if not m.too_small(side)}
    groups = [
        say("results.few_group", n=n, levels=levels(side, m.spec))
        for side, n in sizes.items()
        if 0 < n < LEAST_CUSTOMERS
    ]
    return [say("results.few", n=len(groups), groups=groups)] if groups else []


def odd_spend(m: Material) -> list[str]:
    """Name each band of the headline of whose spend one customer has most, or in which all spent the same."""
    checks = matching(
        m.results.checks, code=("spend_concentration", "spend_unvaried"), group=m.sides, stratum="", blank=""
    )
    said = [
        say(f"results.odd_{check.code}", group=who(check.group, m.spec), share=check.get("share"))
        for check in checks
        if not m.too_small(check.group)
    ]
    return list(dict.fromkeys(said))


def wrong_sign(m: Material) -> list[str]:
    """Say so where customers with better scores stayed less, or spent less, than those with worse ones."""
    if m.sides != ("best", "worst"):
        return []
    found = {outcome: headline(m, outcome)["difference"] for outcome in ("retention", "spend")}
    signs = {outcome: _sign(row) for outcome, row in found.items()}
    for check in matching(m.results.checks, code=("trend", "spend_trend")):
        outcome, worse = ("retention", check.low > 1) if check.code == "trend" else ("spend", check.high < 1)
        if worse and signs[outcome] == 0:
            signs[outcome] = -1
    return [say(f"results.wrong_sign_{outcome}") for outcome, sign in signs.items() if sign < 0]


def later_adjusters(m: Material) -> list[str]:
    """Name the adjustment variables that seem to be known only after the score, or by what became of customers."""
    return [*unused_tenure(m.results.profile), *adjuster_notes(m.results.checks)]


def _sign(difference: Estimate | None) -> int:
    """Sign of a difference; 0 where it is not known, or its interval includes none."""
    if difference is None:
        return 0
    return int(difference.conf_low > 0) - int(difference.conf_high < 0)
