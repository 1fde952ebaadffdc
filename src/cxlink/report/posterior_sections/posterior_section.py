"""The pages of the Bayesian section: what posteriors add where counts are sparse, and whether they can be relied on."""

from collections.abc import Mapping

import pandas as pd

from cxlink.checks import matching
from cxlink.report.check_notes import reason
from cxlink.report.content import Material, stacked
from cxlink.report.document import Block, Run, bullets, heading, notice, paragraph, picture, strong
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.figures import drawing
from cxlink.report.figures import posterior_figures as bayes_figures
from cxlink.report.figures.tenure_ladder import BAYESIAN
from cxlink.report.format import (
    capital,
    coverage,
    customers,
    full,
    levels,
    listed,
    periods,
    score,
    shared_digits,
    spelled,
    whole,
    words,
)  # fmt: skip
from cxlink.report.posterior_sections.pooling_section import pooled, pooling
from cxlink.report.posterior_sections.posterior_tables import (
    ALONE,
    HAZARD,
    RENEWALS,
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
)
from cxlink.report.posterior_sections.posterior_warnings import doubts
from cxlink.report.posterior_sections.workflow_tables import priors_table, workflow_table
from cxlink.report.sections import score_tables as tables
from cxlink.report.sections.limitations import adjusted_for


def bayes_pages(m: Material, level: int = 1) -> list[Block]:
    """Set the posteriors out; nothing for a cohort that was fitted without them."""
    sampled = m.results.bayesian
    if sampled is None:
        return []
    parts = [heading("What the Bayesian models say", level, new_page=True)]
    parts += [notice([strong("Sampling failed. "), text]) for text in sampled.warnings]
    parts += [paragraph(text) for text in (_introduction(m), _how_to_read(m), _no_spend(m)) if text]
    parts += _figure(m, stacked(sampled.curves), stacked(sampled.spend))
    parts += [paragraph(text) for text in [_where_they_differ(m)] if text]
    parts += [*retention_table(m), *tenure_table(m), *spend_table(m), *pooling(m, level + 1)]
    return [*parts, *_workflow(m, level + 1)]


def retention_known(m: Material) -> bool:
    """Whether a posterior of retention has a number."""
    return any(known(row) for row in m.book.where("retention", model=BAYESIAN))


def _introduction(m: Material) -> list[Run]:
    """Say what a posterior is good for here."""
    text = (
        "The models of this section begin from priors, which say what was held likely before any customer was counted, "
        f"and let the counts correct them. {_borrowing(m)}"
    )
    return [strong("What a posterior is good for. "), text.strip()]


def _how_to_read(m: Material) -> list[Run]:
    """Say which models there are, and what figures and intervals are."""
    text = ""
    if retention_known(m):
        text = (
            f"Of retention there are two models: “hazard” ({HAZARD} in estimates.csv) lets the pace of losses "
            f"wander from one {m.spec.unit} to the next and goes on so beyond follow-up, so that uncertainty grows "
            f"with time; “renewals” ({RENEWALS}, the shifted-beta-geometric) holds losses to one shape, in which "
            "customers differ for good. "
        )
    kind = (
        f"associations, adjusted for {adjusted_for(m)}"
        if adjusted_for(m)
        else "associations, adjusted for nothing"
    )
    text += (
        f"A figure is the mean of its posterior; its interval is equal-tailed and holds the middle {coverage(m.spec)}: "
        "by the model and its priors, the truth lies there with that probability. All are "
        f"{kind}; page one does not stand on them."
    )
    return [strong("How to read it. "), text]


def _borrowing(m: Material) -> str:
    """Say from what a sparse group borrows; nothing where there is nothing to borrow from."""
    others = ["the other scores"] if len(m.scores) > 1 else []
    others += ["the other strata"] if m.spec.stratum_variables else []
    others += ["the other cohorts"] if pooled(m) else []
    if not others:
        return ""
    text = (
        f"What few customers tell is not read by itself: it borrows from {listed(others)}, the more the fewer "
        "the customers and the more alike the others. Where customers are plenty, little is borrowed."
    )
    if len(m.scores) < 2:
        return text
    if m.spec.score.effect == "monotone":
        return f"{text} Over the scores figures move in one direction, whichever the counts choose."
    return f"{text} Every score has a figure of its own; none is forced to lie above or below another."


def _no_spend(m: Material) -> str:
    """Say why there is no posterior of spend; nothing where there is one."""
    refused = matching(m.results.checks, code="not_fitted", model=HAZARD, of="spend")
    if not refused or m.spec.spend is None:
        return ""
    return f"There is no posterior of spend: {reason(refused[0])}."


def _figure(m: Material, curves: pd.DataFrame, before: pd.DataFrame) -> list[Block]:
    """Draw what was held likely before any count under what the counts made of it."""
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
    caption = " ".join(_captions(m, priors, panels))
    alt = ". ".join(_alternatives(m, drawn, spent))
    return [picture("bayes", drawing.svg(axes[0]), alt, caption)]


def _captions(m: Material, priors: Mapping[str, pd.DataFrame], panels: list[str]) -> list[str]:
    """Explain each panel, and what is pale."""
    names = ["Left: ", "Right: "] if len(panels) > 1 else ["", ""]
    said = {
        "retention": (
            "retention by the hazard model (lines, dashed beyond the last period with customers at risk) and as "
            "observed (dots)."
        ),
        "spend": "posterior means of spend by score, on a logarithmic axis.",
    }
    texts = [capital(f"{name}{said[panel]}") for name, panel in zip(names, panels, strict=False)]
    if any(len(priors[panel]) for panel in panels):
        ended = "retention" in panels and _ends_early(priors["retention"], m)
        reach = ", to the end of follow-up" if ended else ""
        texts.append(f"Pale, with a dotted middle{reach}: what the priors held likely before any count.")
    return [*texts, f"All with {coverage(m.spec)} intervals."]


def _ends_early(prior: pd.DataFrame, m: Material) -> bool:
    """Whether retention before any count is drawn for part of the axis only."""
    return len(prior) > 0 and float(prior["time"].max()) < max(m.spec.tenure_horizons)


def _alternatives(m: Material, drawn: list[str], spent: list[Estimate]) -> list[str]:
    texts = []
    if drawn:
        rows = [estimate(m, "retention", group, HAZARD) for group in drawn]
        after = periods(m.spec.horizon, m.spec.unit)
        texts.append(f"Curves of the share still there; after {after}: {tables.spoken(rows)}")
    if spent:
        texts.append(f"Dots, mean spend by score: {tables.spoken(spent)}")
    return texts


def _where_they_differ(m: Material) -> str:
    """Name the score at which page one's source and the posterior are farthest apart, and compare the intervals."""
    name = source(m)
    pairs = []
    for level in m.scores:
        plain, posterior = (estimate(m, "retention", str(level), model) for model in (name, HAZARD))
        if plain is not None and posterior is not None and not (plain.blank or posterior.blank):
            pairs.append((plain, posterior))
    if len(pairs) < 2:
        return ""
    plain, posterior = max(pairs, key=lambda pair: abs(pair[0].estimate - pair[1].estimate))
    digits = shared_digits([plain, posterior])
    text = (
        f"{words(name)} and the posterior (hazard) are farthest apart for {score(plain.group, m.spec)}, which "
        f"{customers(posterior.n or 0)} gave: {full(plain, digits)} by the former, {full(posterior, digits)} by the "
        "latter. "
    )
    before, after = (sum(width(row) for row in rows) for rows in zip(*pairs, strict=True))
    change = compared(before, after)
    text += f"Over the {spelled(len(pairs))} scores that have both, the latter’s intervals are {change}."
    nobody = unseen(m)
    row = estimate(m, "retention", nobody[0], HAZARD) if nobody else None
    if row is not None:
        said = f"; predicted from the other scores, {levels(row.group, m.spec)} has {full(row)}."
        text += f" Nobody gave {levels(','.join(nobody), m.spec)}{said}"
    return capital(text)


def _workflow(m: Material, level: int) -> list[Block]:
    """Show what was checked, what failed, and the priors."""
    checked, priors = workflow_table(m), priors_table(m)
    if not checked and not priors:
        return []
    failed = doubts(m)
    parts = [heading("Whether they can be relied on", level)]
    if checked:
        parts.append(paragraph(_checked(m)))
    return [*parts, *checked, *([bullets(failed, small=True)] if failed else []), *priors]


def _checked(m: Material) -> str:
    text = (
        "Chains must agree and be long enough, cohorts that a posterior makes must look like the one counted, and "
        "figures must not stand on the priors."
    )
    beside = {ALONE: "that of the cohort alone", WANING: "that with a waning difference"}
    more = [name for key, name in beside.items() if m.book.where("retention", model=BAYESIAN, scenario=key)]
    return f"{text} Judged are the main posteriors, not {' or '.join(more)}." if more else text


def bayes_methods(m: Material) -> list[Run]:
    """Describe the models and how they were sampled; nothing where there are none."""
    if m.results.bayesian is None:
        return []
    pieces = []
    if m.book.where("retention", model=BAYESIAN):
        pieces += [
            "losses of each period are binomial with a complementary log-log link (Prentice and Gloeckler 1978) over a "
            "baseline that is a random walk",
            "the shifted-beta-geometric (Fader and Hardie 2007) has a mean and a polarisation by score and stratum",
        ]
    if m.book.where("spend", model=HAZARD):
        pieces.append(
            "spend is a hurdle (who spends anything) and a gamma (how much), from the sums of cells"
        )
    if not pieces:
        return []
    shape = (
        " The score’s part is monotone, a simplex of steps of either sign (Bürkner and Charpentier 2020)."
        if m.spec.score.effect == "monotone"
        else " Scores, strata, their combinations and cohorts are drawn towards their mean by spreads that are learnt."
    )
    drawn = matching(m.results.checks, code="draws")
    sampled = (
        f"{whole(drawn[0].value)} draws of {drawn[0].facts['chains']} chains" if drawn else "Several chains"
    )
    return [
        strong("Bayesian models. "),
        f"{capital('; '.join(pieces))}.{shape} {sampled} were made by the no-U-turn sampler on the counts. Chains are "
        "judged by R-hat and effective draws (Vehtari et al. 2021), prediction by leaving out cells (PSIS-LOO; "
        "Vehtari, Gelman and Gabry 2017), those that this cannot tell of fitted anew, and the weight of the priors by "
        "power-scaling (Kallioinen et al. 2024).",
    ]
