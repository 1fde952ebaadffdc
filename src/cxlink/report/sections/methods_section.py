"""The pages at the end: methods, references, how to run it again."""

from cxlink import __version__
from cxlink.estimands.second_opinions import REPORTED
from cxlink.report.content import Material
from cxlink.report.document import Block, Runs, bullets, code, heading, paragraph, table
from cxlink.report.figures.tenure_ladder import is_average, is_family
from cxlink.report.format import NONE, coverage, listed, periods, shortened, units, whole, words
from cxlink.report.posterior_sections.posterior_section import bayes_methods
from cxlink.report.references import cited
from cxlink.report.sections.limitations import adjusted_for, mixed, snapshot
from cxlink.report.sections.regression_section import beside_means
from cxlink.report.words import say, styled
from cxlink.survival.families.catalogue import families_by_name


def methods_pages(materials: list[Material], level: int = 1, study: bool = False) -> list[Block]:
    """Describe how the figures were made, for each cohort of the report, and list the literature."""
    parts = [heading(say("methods.heading"), level, new_page=True)]
    for m in materials:
        if len(materials) > 1:
            parts.append(heading(m.spec.cohort.name, level + 1))
        parts += [paragraph(text) for text in _methods(m)]
    return [*parts, heading(say("methods.references"), level), bullets(cited(materials, study), small=True)]


def _methods(m: Material) -> list[Runs]:
    texts: list[Runs] = [_counts(m)]
    if m.spec.subscription is not None:
        texts += [_time_origin(m), styled("methods.retention")]
    if m.spec.stratum_variables:
        texts.append(_standardisation(m))
    if m.spec.spend is not None:
        texts.append(styled("methods.spend", beside=beside_means(m)))
    models = {row.model for row in m.book.where("tenure")}
    families = sorted(name for name in models if is_family(name) or is_average(name))
    if m.book.where("hazard_ratio"):
        texts.append(styled("methods.hazards"))
    if families or REPORTED in models:
        texts.append(_tenure(families, REPORTED in models))
    if bayesian := bayes_methods(m):
        texts.append(bayesian)
    return [*texts, _intervals(m), styled("methods.interpretation")]


def _counts(m: Material) -> Runs:
    effect = say(f"methods.effect_{m.spec.score.effect}")
    names = adjusted_for(m) or say("methods.nothing")
    return styled("methods.counts", effect=effect, names=names)


def _time_origin(m: Material) -> Runs:
    unit, horizon = m.spec.unit, periods(m.spec.horizon, m.spec.unit)
    clock = m.spec.subscription.clock if m.spec.subscription is not None else "survey"
    parts = [
        say(f"methods.origin_{clock}"),
        say("methods.periods", unit=units(unit, 1), units=units(unit), horizon=horizon),
        snapshot(m),
    ]
    return styled("methods.origin", text=" ".join(part for part in parts if part))


def _standardisation(m: Material) -> Runs:
    survey = m.spec.subscription is not None
    support = (
        say(
            f"methods.at_risk{'_of_clusters' if m.spec.cluster_column else ''}",
            horizon=periods(m.spec.horizon, m.spec.unit),
        )
        if survey
        else say("methods.with_customers")
    )
    return styled("methods.standardisation", names=adjusted_for(m), customers=mixed(m), support=support)


def _tenure(models: list[str], spliced: bool) -> Runs:
    kinds = {name: families_by_name()[name].kind for name in models if is_family(name)}
    families = sorted(
        {
            say(f"methods.class_{kind}") if kind in ("spline", "cure") else words(name)
            for name, kind in kinds.items()
        }
    )
    parts = [
        say("methods.spliced") if spliced else "",
        say("methods.families", families=listed(families) or say("methods.parametric")) if models else "",
        say("methods.averages") if any(is_average(name) for name in models) else "",
        say("methods.extrapolation") if models else "",
    ]
    return styled("methods.tenure", text=" ".join(part for part in parts if part))


def _intervals(m: Material) -> Runs:
    kinds = []
    if m.spec.subscription is not None:
        kinds.append(say("methods.bootstrap"))
    if m.spec.spend is not None:
        kinds.append(say("methods.sandwich"))
    text = say(
        "methods.draws", level=coverage(m.spec), draws=m.spec.analysis.draws, kinds=kinds,
        seed=str(m.spec.analysis.seed),
    )  # fmt: skip
    posterior = [say("methods.posterior_draws")] if m.results.bayesian is not None else []
    column = m.spec.cluster_column
    clusters = [say("methods.clusters", column=column)] if column else []
    clusters += [say("methods.every_survey")] if m.spec.every_survey else []
    return styled("methods.intervals", text=" ".join([text, *clusters, *posterior]))


def running_pages(materials: list[Material], level: int = 1) -> list[Block]:
    """Say how to make this report again."""
    parts = [heading(say("methods.rerun"), level)]
    commands = dict.fromkeys(m.command for m in materials if m.command)
    if commands:
        parts += [paragraph(say("methods.same_bytes")), *(code(command) for command in commands)]
    rows = [row for m in materials for row in _made_from(m)]
    rules = range(len(rows) // len(materials), len(rows), len(rows) // len(materials))
    return [
        *parts,
        table(
            say("methods.made_from"),
            [say("methods.item"), say("methods.value")],
            rows,
            texts=(0, 1),
            rules=rules,
        ),
    ]


def _made_from(m: Material) -> list[list[str]]:
    return [
        [say("methods.cohort"), shortened(m.spec.cohort.name)],
        [say("methods.table"), shortened(m.results.profile.table)],
        [say("methods.fingerprint"), m.results.profile.fingerprint or NONE],
        [say("methods.version"), __version__],
        [say("methods.seed"), str(m.spec.analysis.seed)],
        [say("methods.n_draws"), whole(m.spec.analysis.draws)],
    ]
