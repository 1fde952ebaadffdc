"""The section on the Bayesian models: their estimates, beside those of the main results, and model checking."""

from collections.abc import Mapping

import pandas as pd

from cxlink.checks import matching
from cxlink.report.check_notes import reason
from cxlink.report.content import Material, stacked
from cxlink.report.document import Block, Run, bullets, heading, notice, paragraph, picture
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.figures import drawing
from cxlink.report.figures import posterior_figures as bayes_figures
from cxlink.report.figures.tenure_ladder import BAYESIAN
from cxlink.report.format import (
    coverage,
    customers,
    full,
    levels,
    periods,
    score,
    shared_digits,
    spelled,
    words,
)  # fmt: skip
from cxlink.report.posterior_sections.pooling_section import pooled, pooling
from cxlink.report.posterior_sections.posterior_tables import (
    ALONE,
    HAZARD,
    SBG,
    WANING,
    compared,
    estimate,
    known,
    retention_table,
    source,
    spend_table,
    tenure_table,
    unseen,
    width,
)  # fmt: skip
from cxlink.report.posterior_sections.posterior_warnings import (
    failed_checks,
    posterior_name,
    sampling_failures,
)
from cxlink.report.posterior_sections.workflow_tables import priors_table, workflow_table
from cxlink.report.sections import score_tables as tables
from cxlink.report.sections.limitations import adjusted_for
from cxlink.report.words import say, styled


def bayes_pages(m: Material, level: int = 1) -> list[Block]:
    """Report the posteriors; nothing for a cohort that was fitted without them."""
    sampled = m.results.bayesian
    if sampled is None:
        return []
    parts = [heading(say("posterior.heading"), level, new_page=True)]
    parts += [notice(styled("posterior.failed", text=text)) for text in sampling_failures(m.results.checks)]
    parts += [paragraph(text) for text in (_purpose(m), _reading(m), _clusters(m), _no_spend(m)) if text]
    parts += _figure(m, stacked(sampled.curves), stacked(sampled.spend))
    parts += [paragraph(text) for text in [_comparison(m)] if text]
    parts += [*retention_table(m), *tenure_table(m), *spend_table(m), *pooling(m, level + 1)]
    return [*parts, *_model_checking(m, level + 1)]


def _purpose(m: Material) -> list[Run]:
    """Say what the Bayesian models add."""
    return styled("posterior.purpose", text=" ".join([say("posterior.priors"), *_shrinkage(m)]))


def _reading(m: Material) -> list[Run]:
    """Say which models there are, and what their estimates and intervals are."""
    said = []
    if any(known(row) for row in m.book.where("retention", model=BAYESIAN)):
        unit = say(f"unit.{m.spec.unit}", n=1)
        said.append(say("posterior.models", hazard=HAZARD, sbg=SBG, unit=unit))
    names, level = adjusted_for(m), coverage(m.spec)
    if names:
        said.append(say("posterior.estimates_adjusted", level=level, names=names))
    else:
        said.append(say("posterior.estimates", level=level))
    return styled("posterior.reading", text=" ".join(said))


def _clusters(m: Material) -> list[Run]:
    """Say how draws account for clusters; nothing where they need not."""
    rescaled = matching(m.results.checks, code="rescaled_draws")
    if not rescaled:
        return []
    factors = [
        say(
            "posterior.cluster_factor",
            factor=check.value,
            posterior=posterior_name(str(check.facts["of"]), check.model),
        )
        for check in rescaled
    ]
    return styled("posterior.clusters", buckets=rescaled[0].facts["buckets"], factors=factors)


def _shrinkage(m: Material) -> list[str]:
    """Say towards what estimates from few customers are shrunk; nothing where there is nothing."""
    present = {
        "scores": len(m.scores) > 1, "strata": bool(m.spec.stratum_variables), "cohorts": pooled(m),
    }  # fmt: skip
    others = [say(f"posterior.other_{name}") for name, there in present.items() if there]
    if not others:
        return []
    said = [say("posterior.shrinkage", others=others)]
    if len(m.scores) > 1:
        monotone = m.spec.score.effect == "monotone"
        said.append(say("posterior.monotone" if monotone else "posterior.unordered"))
    return said


def _no_spend(m: Material) -> str:
    """Say why there is no posterior of spend; nothing where there is one."""
    refused = matching(m.results.checks, code="not_fitted", model=HAZARD, of="spend")
    if not refused or m.spec.spend is None:
        return ""
    return say("posterior.no_spend", reason=reason(refused[0]))


def _figure(m: Material, curves: pd.DataFrame, before: pd.DataFrame) -> list[Block]:
    """Draw the posteriors over their priors."""
    spent = [row for level in m.scores if (row := estimate(m, "spend", str(level), HAZARD)) and not row.blank]
    small = [group for group in m.bands if m.too_small(group)]
    shown = curves[~curves["group"].isin(small)] if len(curves) else curves
    drawn = bayes_figures.groups_drawn(shown)
    panels = [name for name, there in (("retention", drawn), ("spend", spent)) if there]
    if not panels:
        return []
    with drawing.sheet((6.3, 2.5), 1, len(panels)) as axes:
        for ax, panel in zip(axes, panels, strict=True):
            if panel == "retention":
                bayes_figures.prior_retention(m.results.estimates, shown, m.spec, ax=ax)
            else:
                bayes_figures.prior_spend(spent, before, m.spec, ax=ax)
        if len(panels) > 1 and (legend := axes[-1].get_legend()) is not None:
            legend.remove()  # the left panel's says the same
        drawing.mark_simulated(axes[-1], m.results.simulated)
    priors = {"retention": bayes_figures.prior_curve(curves), "spend": before}
    caption, alt = _caption(m, priors, panels), " ".join(_alternatives(m, drawn, spent))
    return [picture("bayes", drawing.svg(axes[0]), alt, caption)]


def _caption(m: Material, priors: Mapping[str, pd.DataFrame], panels: list[str]) -> str:
    """Explain each panel, and the priors."""
    said = [say("posterior.panel_both" if len(panels) > 1 else f"posterior.panel_{panels[0]}")]
    if any(len(priors[panel]) for panel in panels):
        early = "retention" in panels and _ends_early(priors["retention"], m)
        said.append(say("posterior.figure_prior_early" if early else "posterior.figure_prior"))
    return " ".join([*said, say("posterior.figure_level", level=coverage(m.spec))])


def _ends_early(prior: pd.DataFrame, m: Material) -> bool:
    """Whether the prior of retention is drawn for part of the axis only."""
    return len(prior) > 0 and float(prior["time"].max()) < max(m.spec.tenure_horizons)


def _alternatives(m: Material, drawn: list[str], spent: list[Estimate]) -> list[str]:
    texts = []
    if drawn:
        rows = [estimate(m, "retention", group, HAZARD) for group in drawn]
        after = periods(m.spec.horizon, m.spec.unit)
        texts.append(say("posterior.alt_retention", after=after, values=tables.spoken(rows)))
    if spent:
        texts.append(say("posterior.alt_spend", values=tables.spoken(spent)))
    return texts


def _comparison(m: Material) -> str:
    """Name the score whose estimate differs most from that of the main results, and compare the intervals."""
    model, pairs = source(m), []
    for level in m.scores:
        main, posterior = (estimate(m, "retention", str(level), name) for name in (model, HAZARD))
        if main is not None and posterior is not None and not (main.blank or posterior.blank):
            pairs.append((main, posterior))
    if len(pairs) < 2:
        return ""
    main, posterior = max(pairs, key=lambda pair: abs(pair[0].estimate - pair[1].estimate))
    digits = shared_digits([main, posterior])
    direction, change = compared(*(sum(width(row) for row in rows) for rows in zip(*pairs, strict=True)))
    said = [
        say(
            "posterior.differ", group=score(main.group, m.spec), customers=customers(posterior.n or 0),
            model=words(model), main=full(main, digits), posterior=full(posterior, digits),
        ),
        say(f"posterior.widths_{direction}", n=spelled(len(pairs)), change=change),
    ]  # fmt: skip
    nobody = unseen(m)
    row = estimate(m, "retention", nobody[0], HAZARD) if nobody else None
    if row is not None:
        nobodys, first = levels(",".join(nobody), m.spec), levels(row.group, m.spec)
        said.append(say("posterior.unseen", levels=nobodys, level=first, value=full(row)))
    return " ".join(said)


def _model_checking(m: Material, level: int) -> list[Block]:
    """Show the checks, those that failed, and the priors."""
    checked, priors = workflow_table(m), priors_table(m)
    if not checked and not priors:
        return []
    failed = failed_checks(m)
    parts = [heading(say("workflow.heading"), level)]
    if checked:
        parts.append(paragraph(_checked(m)))
    return [*parts, *checked, *([bullets(failed, small=True)] if failed else []), *priors]


def _checked(m: Material) -> str:
    others = [
        say(f"workflow.other_{scenario}") for scenario in (ALONE, WANING)
        if m.book.where("retention", model=BAYESIAN, scenario=scenario)
    ]  # fmt: skip
    text = say("workflow.text")
    return f"{text} {say('workflow.main_only', others=others)}" if others else text


def bayes_methods(m: Material) -> list[Run]:
    """Describe the models and how they were sampled; nothing where there are none."""
    if m.results.bayesian is None:
        return []
    said = []
    if m.book.where("retention", model=BAYESIAN):
        said.append(say("posterior.method_retention"))
    if m.book.where("spend", model=HAZARD):
        said.append(say("posterior.method_spend"))
    if not said:
        return []
    monotone = m.spec.score.effect == "monotone"
    said.append(say("posterior.method_monotone" if monotone else "posterior.method_levels"))
    for check in matching(m.results.checks, code="draws", model=BAYESIAN)[:1]:
        said.append(say("posterior.method_draws", draws=check.value, chains=check.facts["chains"]))
    said.append(say("posterior.method_checks"))
    return styled("posterior.methods", text=" ".join(said))
