"""What a quick analysis left out, and its second page: retention and spend by score, and how they were made."""

from collections.abc import Iterator

from cxlink import __version__
from cxlink.report.content import Material
from cxlink.report.document import Block, Run, bullets, code, heading
from cxlink.report.format import NONE, coverage, periods
from cxlink.report.sections import score_tables as tables
from cxlink.report.sections.limitations import adjusted_for, mixed
from cxlink.report.sections.retention_section import curves
from cxlink.report.words import say, styled


def fitted(m: Material) -> list[Run]:
    """Say which models were asked for, and which of those that the cohort allows were not."""
    models, left = m.spec.analysis.models, [say(f"fitted.left_{name}") for name in _left_out(m)]
    return styled(f"fitted.{models}", left=left) if left else styled("fitted.all")


def _left_out(m: Material) -> Iterator[str]:
    """Name what a quick and a standard analysis leave out of this cohort."""
    models, retention, spend = (
        m.spec.analysis.models,
        m.spec.subscription is not None,
        m.spec.spend is not None,
    )
    if models == "quick":
        if retention and not m.book.where("hazard_ratio"):
            yield "hazards"
        if spend and not m.book.where("spend", model=("poisson", "gamma", "two_part", "log_ols")):
            yield "regressions"
        if retention:
            yield "tenure"
        if m.spec.value is not None:
            yield "value"
        yield from ("metrics", "sensitivity")
    if models != "all" and retention:
        yield "families"


def quick_pages(m: Material, level: int = 1) -> list[Block]:
    """Set retention and spend out by score on one page, with how they were made and can be made again."""
    parts = [heading(say("quick.heading"), level)]
    spend, horizon, share = m.spec.spend, m.spec.horizon, coverage(m.spec)
    if m.book.where("retention", model="kaplan_meier"):
        parts.append(curves(m, ""))
        if m.book.where("retention", model="kaplan_meier", horizon=horizon, scenario="", stratum=""):
            after = periods(horizon, m.spec.unit)
            caption = say("retention.caption_by_score", after=after, level=share)
            parts.append(tables.by_score(m, "retention", "kaplan_meier", horizon, caption, dense=True))
    if spend is not None and m.book.where("spend", model="means"):
        window = periods(spend.window_months, "month")
        caption = say("spend.caption_by_score", window=window, currency=spend.currency, level=share)
        parts.append(tables.by_score(m, "spend", "means", None, caption, dense=True))
    parts.append(bullets([*_methods(m), _made_from(m)], small=True))
    return [*parts, *([code(m.command)] if m.command else [])]


def _methods(m: Material) -> Iterator[str]:
    names = adjusted_for(m)
    strata = say("quick.strata", names=names, customers=mixed(m)) if names else ""
    if m.spec.subscription is not None:
        seed, draws = str(m.spec.analysis.seed), m.spec.analysis.draws
        yield say("quick.method", strata=strata, draws=draws, seed=seed)
    if m.spec.spend is not None:
        yield say("quick.method_spend", strata=strata)


def _made_from(m: Material) -> str:
    return say("quick.made_from", version=__version__, fingerprint=m.results.profile.fingerprint or NONE)
