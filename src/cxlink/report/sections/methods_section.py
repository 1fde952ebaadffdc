"""The pages at the end: methods, references, how to run it again."""

from cxlink import __version__
from cxlink.report.content import Material
from cxlink.report.document import Block, Runs, bullets, code, heading, paragraph, strong, table
from cxlink.report.figures.tenure_ladder import AVERAGE, is_average, is_family
from cxlink.report.format import NONE, capital, coverage, listed, periods, shortened, units, whole, words
from cxlink.report.posterior_sections.posterior_section import bayes_methods
from cxlink.report.references import cited
from cxlink.report.sections.limitations import SHAPES, adjusted_for, mixed, snapshot
from cxlink.report.sections.regression_section import beside_means
from cxlink.survival.families.catalogue import families_by_name

_CLASSES = {"spline": "spline", "cure": "mixture-cure"}


def methods_pages(materials: list[Material], level: int = 1, study: bool = False) -> list[Block]:
    """Describe how the figures were made, for each cohort of the report, and list the literature."""
    parts = [heading("Methods", level, new_page=True)]
    for m in materials:
        if len(materials) > 1:
            parts.append(heading(m.spec.cohort.name, level + 1))
        parts += [paragraph(text) for text in _methods(m)]
    return [*parts, heading("References", level), bullets(cited(materials, study), small=True)]


def _methods(m: Material) -> list[Runs]:
    texts: list[Runs] = [_counts(m)]
    if m.spec.subscription is not None:
        texts += [_clock(m), _retention()]
    if m.spec.stratum_variables:
        texts.append(_standardisation(m))
    if m.spec.spend is not None:
        texts.append(_spend(m))
    models = {row.model for row in m.book.where("tenure")}
    families = sorted(name for name in models if is_family(name) or is_average(name))
    if m.book.where("hazard_ratio"):
        texts.append(_hazards())
    if families:
        texts.append(_tenure(families))
    if bayesian := bayes_methods(m):
        texts.append(bayesian)
    return [*texts, _intervals(m), _reading()]


def _counts(m: Material) -> Runs:
    shape = SHAPES.get(m.spec.score.effect)
    assumed = (
        f"but in the models, where the specification asks for {shape} through the levels"
        if shape
        else "no straight line through the levels is assumed"
    )
    return [
        strong("Counts. "),
        "Customers were grouped by score, stratum and time, and every estimate was made from these counts. "
        "That is exact: it gives what the single records would give. Every score level stands for itself"
        f"{',' if shape else ';'} {assumed} (Mittal and Kamakura 2001). Adjusted for: "
        f"{adjusted_for(m) or 'nothing'}.",
    ]


def _clock(m: Material) -> Runs:
    unit, horizon = m.spec.unit, periods(m.spec.horizon, m.spec.unit)
    text = (
        "The clock starts at the score. Time before it is not counted: a customer must stay until the "
        "survey to give a score, so that time cannot be lost (immortal time; Suissa 2008). "
    )
    if m.spec.subscription is not None and m.spec.subscription.clock == "signup":
        text = (
            "The time of a customer is counted from signup, and a customer is at risk only from the survey "
            "on (late entry; Bolton 1998). Retention is then taken from the survey on, S(e + h) / S(e) for "
            "a customer who entered after e periods. "
        )
    return [
        strong("Clock. "),
        f"{text}A loss in {unit} t means that the customer left after t\u202f−\u202f1 and by t whole "
        f"{units(unit)}; customers are followed for the whole {units(unit)} that fit into their "
        f"observation. Retained for {horizon} means still there after {horizon}. {snapshot(m)}".strip(),
    ]


def _retention() -> Runs:
    return [
        strong("Retention. "),
        "Kaplan–Meier estimates (1958) by level and stratum. They stop where nobody is left at risk. Mean "
        "tenure to a horizon is the area under the curve, which is taken as log-linear between whole "
        "periods. Where a group has fewer than ten losses, or fewer than ten customers who outlast the "
        "horizon, its interval borrows the shape of all levels’ hazard and is widened to hold the "
        "estimate.",
    ]


def _standardisation(m: Material) -> Runs:
    at_risk = (
        f", at risk up to {periods(m.spec.horizon, m.spec.unit)}" if m.spec.subscription is not None else ""
    )
    return [
        strong("Standardisation. "),
        f"Strata are the combinations of {adjusted_for(m)}. A standardised figure is the average of the "
        f"strata’s own figures, weighted by the shares of the strata among {mixed(m)}, the "
        "same weights for every level. A band is the average of its levels, weighted by their shares in "
        f"the cohort. Contrasts use only strata in which every level compared has customers{at_risk}.",
    ]


def _spend(m: Material) -> Runs:
    return [
        strong("Spend. "),
        "Means by level and stratum over the whole window after the score (a saturated Poisson model with "
        "robust errors). Contrasts are of means with the zeros in. Only customers whose window was over "
        f"are counted.{beside_means(m)}",
    ]


def _tenure(models: list[str]) -> Runs:
    families = sorted(
        {_CLASSES.get(families_by_name()[name].kind, words(name)) for name in models if is_family(name)}
    )
    averaged = (
        " They are averaged, one of each class: by their weights in AIC (Buckland et al. 1997), by those of the "
        "mixture that best foresaw what came after earlier periods (stacking; Yao et al. 2018), and by equal weights. "
        if AVERAGE in models
        else " "
    )
    return [
        strong("Tenure. "),
        f"{capital(listed(families)) or 'Parametric'} curves, fitted to the counts by maximum likelihood "
        "for grouped durations: ℓ = Σ d·log(1 − e^Δ) + (r − d)·Δ with Δ = log S(t) − log "
        "S(t\u202f−\u202f1), where d of r customers at risk are lost in period t (Prentice and Gloeckler "
        f"1978).{averaged}The family that fits best inside follow-up need not "
        "be the one that continues best (Gallacher et al. 2021), so none is shown alone.",
    ]


def _hazards() -> Runs:
    return [
        strong("Hazard ratios. "),
        "Grouped proportional hazards: a complementary log-log model of being lost in each period, with a free "
        "baseline, fitted to the counts by maximum likelihood (Prentice and Gloeckler 1978). What one ratio hides is "
        "discussed by Hernán (2010); intervals are from draws of its parameters. Shapes of the score’s effect "
        "are compared by the log score of customers in five folds, each predicted from the other four; a monotone "
        "one is the free one projected (Westling, van der Laan and Carone 2020).",
    ]


def _intervals(m: Material) -> Runs:
    kinds = []
    if m.spec.subscription is not None:
        kinds.append("a bootstrap of customers for what depends on durations alone")
    if m.spec.spend is not None:
        kinds.append("the robust joint covariance for spend")
    draws = f"{whole(m.spec.analysis.draws)} draws: {listed(kinds)}. Seed {m.spec.analysis.seed}."
    if m.results.bayesian is not None:
        draws += " Those of the Bayesian models are of their posterior draws."
    return [strong("Intervals. "), f"{coverage(m.spec)} equal-tailed intervals from {draws}"]


def _reading() -> Runs:
    return [
        strong("Reading. "),
        "Every figure is an association, adjusted where it says so. With an instrument, the association of "
        "satisfaction with loyalty has been found to be understated by ordinary regression (Huang and "
        "Sudhir 2021), so not even the direction of what is left out is obvious. In real cohorts scores "
        "and outcomes go together far less closely than the two ends of a scale suggest (Otto et al. "
        "2020).",
    ]


def running_pages(materials: list[Material], level: int = 1) -> list[Block]:
    """Say how to make this report again."""
    parts = [heading("How to run it again", level)]
    commands = dict.fromkeys(m.command for m in materials if m.command)
    if commands:
        same = "The same table, specification and version give the same file, byte for byte:"
        parts += [paragraph(same), *(code(command) for command in commands)]
    rows = [row for m in materials for row in _made_from(m)]
    rules = range(len(rows) // len(materials), len(rows), len(rows) // len(materials))
    return [
        *parts,
        table("What this report was made from.", ["Item", "Value"], rows, texts=(0, 1), rules=rules),
    ]


def _made_from(m: Material) -> list[list[str]]:
    return [
        ["Cohort", shortened(m.spec.cohort.name)],
        ["Table", shortened(m.results.profile.table)],
        ["Fingerprint of the table (SHA-256)", m.results.profile.fingerprint or NONE],
        ["Version of cxlink", __version__],
        ["Seed", str(m.spec.analysis.seed)],
        ["Draws", whole(m.spec.analysis.draws)],
    ]
