"""The table of what is tried: estimands, the one function of the package that makes their rows, and their laws."""

from validation.extrapolation.drawn_laws import JUDGED
from validation.printed.beyond import LAWS, beyond
from validation.printed.curve_entries import control, curves, late, members, pooled
from validation.printed.entry import FEWER, SMALL, Entry
from validation.printed.model_entries import codings, hazards, recalibration, touchpoints
from validation.printed.small_cohorts import LAWS as SMALL_LAWS
from validation.printed.small_cohorts import small
from validation.printed.value_entries import programme, value

HEAVY, FADING, TURNING, NULL = "heavy_users_stay", "fading", "turning", "no_effect"
_TABLE = (
    Entry("control", "the negative control: in one law truly null within a plan, in one not", control, (HEAVY, NULL)),
    Entry("touchpoints", "slopes at each touchpoint", touchpoints, (HEAVY, FADING)),
    Entry("codings", "which coding of the answers tells most", codings, (HEAVY, FADING)),
    Entry("members", "members against others", members, (HEAVY, FADING)),
    Entry(
        "hazards", "hazard ratios of the score, by year too, and every coefficient", hazards, (HEAVY, FADING, TURNING),
    ),
    Entry(
        "curves", "retention and tenure, curtate, discounted and median inside follow-up, incidence of two causes, "
        "lags, remaining tenure, tipping point, slope corrected for measurement error", curves,
        (HEAVY, FADING, TURNING, NULL),
    ),
    Entry(
        "recalibration", "an older model on a new cohort, as it is and recalibrated", recalibration, (HEAVY, FADING),
        FEWER,
    ),
    Entry("pooled", "curves of two cohorts added up", pooled, (TURNING, NULL), FEWER),
    Entry("late", "curves after late entry", late, (HEAVY, TURNING), FEWER),
    Entry("value", "revenue and customer value inside follow-up", value, (HEAVY, TURNING, NULL), FEWER),
    Entry(
        "programme", "incremental margin, return, payback and break-even share inside follow-up", programme,
        (HEAVY, TURNING), FEWER,
    ),
    Entry("small", "page one of 1,500 customers, ten levels, twelve strata", small, tuple(SMALL_LAWS), FEWER, (SMALL,)),
    Entry(
        "beyond", "to twice the follow-up: curtate, discounted and median tenure, remaining tenure, revenue, value",
        beyond, JUDGED, LAWS, (20_000, 1_000_000), lower_limit_only=True,
    ),
)  # fmt: skip
ENTRIES_BY_NAME = {entry.name: entry for entry in _TABLE}
