"""How a comparison was made, in words, and the sources it stands on."""

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report.document import Block, bullets, strong
from cxlink.report.format import coverage, periods, whole

REFERENCES = (
    "Crowson, C. S., Atkinson, E. J. and Therneau, T. M. (2016). Assessing calibration of prognostic risk scores. "
    "Statistical Methods in Medical Research 25:1692–1706. doi 10.1177/0962280213497434",
    "Graf, E., Schmoor, C., Sauerbrei, W. and Schumacher, M. (1999). Assessment and comparison of prognostic "
    "classification schemes for survival data. Statistics in Medicine 18:2529–2545",
    "Mantel, N. and Haenszel, W. (1959). Statistical aspects of the analysis of data from retrospective studies of "
    "disease. Journal of the National Cancer Institute 22:719–748. doi 10.1093/jnci/22.4.719",
    "Shorrocks, A. F. (2013). Decomposition procedures for distributional analysis: a unified framework based on the "
    "Shapley value. Journal of Economic Inequality 11:99–126. doi 10.1007/s10888-011-9214-z",
    "Yun, M.-S. (2005). A simple solution to the identification problem in detailed wage decompositions. Economic "
    "Inquiry 43:766–772. doi 10.1093/ei/cbi053",
)


def methods(spec: CohortSpec) -> list[Block]:
    """Say how the parts, the calibration and the intervals were made."""
    after = periods(spec.horizon, spec.unit)
    late = spec.subscription is not None and spec.subscription.clock == "signup"
    entry = " and time since signup at the survey" if late else ""
    items = [
        [
            strong("Cells. "),
            "A cohort’s figure is the average, over its customers, of what its customers of the same score and "
            f"stratum did: Kaplan–Meier to the horizon ({after} unless asked otherwise), or mean spend. Strata{entry} "
            "and scores that only one cohort has are set aside, and said.",
        ],
        [
            strong("Mix. "),
            "What changes when one cohort’s customers are exchanged for the other’s, everybody behaving as they did: "
            f"their strata{entry}, and their scores given the stratum, averaged over the two orders of exchanging "
            f"these.",
        ],
        [
            strong("Baseline. "),
            "The change in the logarithm of the cumulative hazard (of mean spend), averaged over the base cohort’s "
            "customers, that is over its strata and scores. Which score a regression would leave out as its reference "
            "then does not matter (the normalisation of Yun 2005).",
        ],
        [
            strong("Effect. "),
            "What is left of each cell’s change once the baseline is taken out: where scores, or strata, moved apart "
            "or together.",
        ],
        [
            strong("Adding up. "),
            "Mix, baseline and effect can be exchanged in six orders; each part is its average step over them (a "
            "Shapley value, Shorrocks 2013), so that the parts add up to the whole change exactly.",
        ],
        [
            strong("What the base foretells. "),
            "Every customer of the new cohort gets the base’s figure for their score and stratum. Observed over "
            "expected compares losses with those that the base’s hazards expect over the customers’ own follow-up "
            "(Crowson, Atkinson and Therneau 2016). The slope regresses the new cohort’s log hazards on the base’s, "
            "cell by cell, periods weighted as Mantel and Haenszel do, with the errors of both: noise in the base "
            "alone would pull it below 1. The Brier score weights customers by the inverse of their chance of not "
            "being censored (Graf and others 1999).",
        ],
        [
            strong("Intervals. "),
            f"{coverage(spec)}, from {whole(spec.analysis.draws)} draws of both cohorts: customers resampled, and "
            "means of spend from their robust variance. A score with fewer than ten losses, or hardly a survivor, is "
            "drawn from a penalised factor on its cohort’s hazards, so that its interval is finite and not empty.",
        ],
    ]
    return [bullets(items)]
