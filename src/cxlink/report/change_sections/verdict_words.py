"""The verdict on the base's model in words: what it is, the rule behind it, and the figures that decided it."""

from cxlink.comparison.recommendation import MOST_POINTS, RATIO, SLOPE, UNKNOWN, Ends, Recommendation
from cxlink.groups.effective_buckets import FEWEST_EFFECTIVE
from cxlink.report.language import decimal
from cxlink.report.words import say


def verdict(found: Recommendation) -> str:
    """Name a verdict."""
    return say(f"verdict.name_{found.verdict}")


def rule(estimand: str) -> str:
    """Give the rule by which an outcome is judged."""
    limits = {"ratio_low": RATIO[0], "ratio_high": RATIO[1], "slope_low": SLOPE[0], "slope_high": SLOPE[1]}
    return say("verdict.rule", tolerance=tolerance(estimand), **limits)


def tolerance(estimand: str) -> str:
    """Give how far a score may be off."""
    return say(f"verdict.tolerance_{estimand}", points=100 * MOST_POINTS)


def why(found: Recommendation) -> str:
    """Give the figures that decided."""
    if found.verdict == UNKNOWN:
        return say("verdict.why_unknown", least=FEWEST_EFFECTIVE)
    off = "verdict.off" if found.off else "verdict.none_off"
    return say(
        "verdict.why",
        ratio=_measure("ratio", found.ratio, found.simultaneous_ratio),
        slope=_measure("slope", found.slope, found.simultaneous_slope),
        scores=say(off, n=len(found.off), scores=found.off, tolerance=tolerance(found.estimand)),
    )


def _measure(name: str, ends: Ends | None, together: Ends | None) -> str:
    if ends is None or together is None:
        return say(f"verdict.no_{name}")
    estimate, low, high = (decimal(end, 2) for end in ends)
    least, most = (decimal(end, 2) for end in together[1:])
    return say(f"verdict.measured_{name}", estimate=estimate, low=low, high=high, least=least, most=most)
