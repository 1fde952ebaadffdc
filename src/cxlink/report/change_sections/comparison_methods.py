"""How a comparison was made, in words, and the sources it stands on."""

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.groups.effective_buckets import FEWEST_EFFECTIVE
from cxlink.report.document import Block, bullets
from cxlink.report.format import coverage, periods
from cxlink.report.words import styled

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


def methods(spec: CohortSpec, *, clustered: bool = False) -> list[Block]:
    """Say how the parts, the calibration and the intervals were made."""
    late = spec.subscription is not None and spec.subscription.clock == "signup"
    after = periods(spec.horizon, spec.unit)
    items = [
        styled("comparison.method_cells_late" if late else "comparison.method_cells", after=after),
        styled("comparison.method_mix_late" if late else "comparison.method_mix"),
        styled("comparison.method_baseline"),
        styled("comparison.method_effect"),
        styled("comparison.method_adding"),
        styled("comparison.method_calibration"),
        styled("comparison.method_intervals", level=coverage(spec), draws=spec.analysis.draws),
        *([styled("comparison.method_clusters", least=FEWEST_EFFECTIVE)] if clustered else []),
    ]
    return [bullets(items)]
