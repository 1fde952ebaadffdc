"""The literature that a report may cite, and when it applies."""

from collections.abc import Callable
from dataclasses import dataclass

from cxlink.checks import matching
from cxlink.report.content import Material
from cxlink.report.figures.tenure_ladder import AVERAGES, BAYESIAN
from cxlink.report.metric_sections.metric_names import metric_list
from cxlink.sensitivity.confounding_rows import ROBUSTNESS
from cxlink.survival.families.catalogue import families_by_name


@dataclass(frozen=True, slots=True)
class Reference:
    """One source, and the reports that it belongs in."""

    text: str
    applies: Callable[[Material], bool]


def cited(materials: list[Material], study: bool = False) -> list[str]:
    """Give the references that apply to any of the cohorts, and to the study, in the order of the alphabet."""
    found = [r.text for r in REFERENCES if any(r.applies(m) for m in materials)]
    return sorted([*found, *([KRISS] if study else [])], key=str.casefold)


def _always(_: Material) -> bool:
    return True


def _stays(m: Material) -> bool:
    return m.spec.subscription is not None


def _clustered(m: Material) -> bool:
    return m.spec.cluster_column is not None


def _rescaled(m: Material) -> bool:
    return bool(matching(m.results.checks, code="rescaled_draws"))


def _every_survey(m: Material) -> bool:
    return m.spec.every_survey


def _unanswered(m: Material) -> bool:
    return m.n_unscored > 0


def _model(*names: str) -> Callable[[Material], bool]:
    """Whether the report has a row of one of these models, or of a family of one of these kinds."""
    families = families_by_name()
    members = {*names, *(name for name, family in families.items() if family.kind in names)}
    return lambda m: any(row.model in members for row in m.book.by_key.values())


def _posterior(estimand: str = "", effect: str = "") -> Callable[[Material], bool]:
    def applies(m: Material) -> bool:
        names = [estimand] if estimand else ["retention", "spend"]
        rows = any(m.book.where(name, model=BAYESIAN) for name in names)
        return m.results.bayesian is not None and rows and effect in ("", m.spec.score.effect)

    return applies


def _either(*conditions: Callable[[Material], bool]) -> Callable[[Material], bool]:
    return lambda m: any(holds(m) for holds in conditions)


def _estimand(name: str) -> Callable[[Material], bool]:
    return lambda m: bool(m.book.where(name))


def _checked(code: str) -> Callable[[Material], bool]:
    """Whether something was looked at, and found to be there."""
    return lambda m: any(check.value > 0 for check in m.results.checks if check.code == code)


def _metric(*names: str) -> Callable[[Material], bool]:
    return lambda m: bool(metric_list(m.results.metrics, metric=names))


def _extrapolates(m: Material) -> bool:
    return any(row.extrapolated > 0 for row in m.book.where("tenure"))


KRISS = (
    "Kriss, P. (2014). The value of customer experience, quantified. Harvard Business Review online, "
    "1 August 2014."
)
REFERENCES = (
    Reference(
        "Bolton, R. N. (1998). A dynamic model of the duration of the customer’s relationship "
        "with a continuous service provider: the role of satisfaction. Marketing Science "
        "17(1):45–65. doi 10.1287/mksc.17.1.45", _stays),
    Reference(
        "Bürkner, P.-C. and Charpentier, E. (2020). Modelling monotonic effects of ordinal predictors in Bayesian "
        "regression models. British Journal of Mathematical and Statistical Psychology 73:420–451. doi "
        "10.1111/bmsp.12195", _posterior(effect="monotone")),
    Reference(
        "Carter, A. V., Schnepel, K. T. and Steigerwald, D. G. (2017). Asymptotic behavior of a t-test robust to "
        "cluster heterogeneity. Review of Economics and Statistics 99(4):698–709. doi 10.1162/REST_a_00639",
        _clustered),
    Reference(
        "Chernozhukov, V., Cinelli, C., Newey, W., Sharma, A. and Syrgkanis, V. (2021). Long story short: omitted "
        "variable bias in causal machine learning. arXiv 2112.13398", _estimand(ROBUSTNESS)),
    Reference(
        "Dholakia, U. M. and Morwitz, V. G. (2002). The scope and persistence of "
        "mere-measurement effects: evidence from a field study of customer satisfaction "
        "measurement. Journal of Consumer Research 29(2):159–167. doi 10.1086/341568", _unanswered),
    Reference(
        "Buckland, S. T., Burnham, K. P. and Augustin, N. H. (1997). Model selection: an integral part of inference. "
        "Biometrics 53:603–618. doi 10.2307/2533961", _model(*AVERAGES)),
    Reference(
        "Duan, N. (1983). Smearing estimate: a nonparametric retransformation method. Journal of the American "
        "Statistical Association 78:605–610. doi 10.2307/2288126", _model("log_ols", "two_part")),
    Reference(
        "Fader, P. S. and Hardie, B. G. S. (2007). How to project "
        "customer retention. Journal of Interactive Marketing "
        "21(1):76–90. doi 10.1002/dir.20074", _either(_model("shifted_beta_geometric"), _posterior("retention"))),
    Reference(
        "Fader, P. S., Hardie, B. G. S., Liu, Y., Davin, J. and Steenburgh, T. (2018). “How to project customer "
        "retention” revisited: the role of duration dependence. Journal of Interactive Marketing 43:1–16. doi "
        "10.1016/j.intmar.2018.01.002", _model("beta_discrete_weibull")),
    Reference(
        "Gallacher, D., Kimani, P. and Stallard, N. (2021). Extrapolating parametric survival models in health "
        "technology assessment: a simulation study. Medical Decision Making 41(1):37–50. doi "
        "10.1177/0272989X20973201", _extrapolates),
    Reference(
        "Giordano, R. and Broderick, T. (2023). The Bayesian infinitesimal jackknife for variance. arXiv 2305.06466.",
        _rescaled),
    Reference(
        "Gourieroux, C., Monfort, A. and Trognon, A. (1984). Pseudo maximum likelihood methods: "
        "applications to Poisson models. Econometrica 52(3):701–720. doi 10.2307/1913472", _model("poisson")),
    Reference(
        "Gneiting, T. and Raftery, A. E. (2007). Strictly proper scoring rules, prediction, and estimation. Journal of "
        "the American Statistical Association 102:359–378. doi 10.1198/016214506000001437",
        _metric("log_score_retention", "log_score_spend")),
    Reference(
        "Gupta, S., Lehmann, D. R. and Stuart, J. A. (2004). Valuing customers. Journal of Marketing Research "
        "41(1):7–18. doi 10.1509/jmkr.41.1.7.25084", _estimand("revenue")),
    Reference(
        "Hernán, M. A. (2010). The hazards of hazard ratios. Epidemiology 21(1):13–15. "
        "doi 10.1097/EDE.0b013e3181c1ea43", _estimand("hazard_ratio")),
    Reference(
        "Huang, G. and Sudhir, K. (2021). The causal effect of service satisfaction on customer "
        "loyalty. Management Science 67(1):317–341. doi 10.1287/mnsc.2019.3549", _always),
    Reference(
        "Kallioinen, N., Paananen, T., Bürkner, P.-C. and Vehtari, A. (2024). Detecting and diagnosing prior and "
        "likelihood sensitivity with power-scaling. Statistics and Computing 34:57. doi 10.1007/s11222-023-10366-5",
        _posterior()),
    Reference(
        "Kaplan, E. L. and Meier, P. (1958). Nonparametric estimation from incomplete "
        "observations. Journal of the American Statistical Association 53:457–481. doi "
        "10.1080/01621459.1958.10501452", _stays),
    Reference(
        "Latimer, N. (2013). Survival analysis for economic evaluations alongside clinical trials: extrapolation with "
        "patient-level data. NICE DSU Technical Support Document 14, updated.", _extrapolates),
    Reference(
        "Leenheer, J., van Heerde, H. J., Bijmolt, T. H. A. and Smidts, A. (2007). Do loyalty programs really enhance "
        "behavioral loyalty? International Journal of Research in Marketing 24(1):31–47.",
        _metric("member_retention", "member_spend")),
    Reference(
        "Liang, K.-Y. and Zeger, S. L. (1986). Longitudinal data analysis using generalized linear models. Biometrika "
        "73:13–22. doi 10.1093/biomet/73.1.13", _clustered),
    Reference(
        "Lin, D. Y. and Wei, L. J. (1989). The robust inference for the Cox proportional hazards model. Journal of "
        "the American Statistical Association 84:1074–1078. doi 10.1080/01621459.1989.10478874",
        _model("grouped_ph")),
    Reference(
        "Lipkovich, I., Ratitch, B. and O’Kelly, M. (2016). Sensitivity to censored-at-random assumption in the "
        "analysis of time-to-event endpoints. Pharmaceutical Statistics 15:216–229. doi 10.1002/pst.1738",
        _checked("censored_early")),
    Reference(
        "Lipsitch, M., Tchetgen Tchetgen, E. and Cohen, T. (2010). Negative controls: a tool for "
        "detecting confounding and bias in observational studies. Epidemiology 21:383–388. doi "
        "10.1097/EDE.0b013e3181d61eeb", _estimand("control")),
    Reference(
        "Manning, W. G. and Mullahy, J. (2001). Estimating log models: to transform or not to "
        "transform? Journal of Health Economics 20(4):461–494. doi 10.1016/S0167-6296(01)00086-8",
        _model("gamma", "two_part")),
    Reference(
        "Mittal, V. and Kamakura, W. A. (2001). Satisfaction, repurchase intent, and repurchase "
        "behavior. Journal of Marketing Research 38(1):131–142. doi 10.1509/jmkr.38.1.131.18832", _always),
    Reference(
        "Otto, A. S., Szymanski, D. M. and Varadarajan, R. (2020). Customer satisfaction and "
        "firm performance: insights from over a quarter century of empirical research. Journal "
        "of the Academy of Marketing Science 48:543–564. doi 10.1007/s11747-019-00657-7", _always),
    Reference(
        "Prentice, R. L. and Gloeckler, L. A. (1978). Regression analysis of grouped survival data with "
        "application to breast cancer data. Biometrics 34:57–67. doi 10.2307/2529588",
        _either(_model("exponential", "weibull", "log_logistic", "shifted_beta_geometric", "grouped_ph"),
                _posterior("retention"))),
    Reference(
        "Reichheld, F. F. (2003). The one number you need to grow. Harvard Business Review 81(12):46–54.",
        _metric("nps")),
    Reference(
        "Rocks, B. (2016). Interval estimation for the “net promoter score”. The American Statistician 70(4):365–372. "
        "doi 10.1080/00031305.2016.1158124",
        _metric("nps")),
    Reference(
        "Rosner, B., Spiegelman, D. and Willett, W. C. (1990). Correction of logistic regression "
        "relative risk estimates and confidence intervals for measurement error. American Journal of "
        "Epidemiology 132:734–745. doi 10.1093/oxfordjournals.aje.a115715", _estimand("score_reliability")),
    Reference(
        "Royston, P. and Parmar, M. K. B. (2002). Flexible parametric proportional-hazards and proportional-odds "
        "models for censored survival data, with application to prognostic modelling and estimation of treatment "
        "effects. Statistics in Medicine 21:2175–2197. doi 10.1002/sim.1203", _model("spline")),
    Reference(
        "Robins, J. M. and Finkelstein, D. M. (2000). Correcting for noncompliance and dependent censoring in an AIDS "
        "clinical trial with inverse probability of censoring weighted (IPCW) log-rank tests. Biometrics 56:779–788. "
        "doi 10.1111/j.0006-341X.2000.00779.x", _checked("censoring_weights")),
    Reference(
        "Rutherford, M. J. et al. (2020). Flexible methods for survival analysis. NICE DSU Technical Support "
        "Document 21.", _extrapolates),
    Reference(
        "STROBE statement: strengthening the reporting of observational studies in epidemiology (von Elm, E. et al., "
        "2007, Lancet 370:1453–1457); its checklist for cohort studies.", _always),
    Reference(
        "Suissa, S. (2008). Immortal time bias in pharmacoepidemiology. American Journal of "
        "Epidemiology 167(4):492–499. doi 10.1093/aje/kwm324", _stays),
    Reference(
        "van Houwelingen, H. C. (2007). Dynamic prediction by landmarking in event history analysis. Scandinavian "
        "Journal of Statistics 34:70–85. doi 10.1111/j.1467-9469.2006.00529.x", _every_survey),
    Reference(
        "VanderWeele, T. J. and Ding, P. (2017). Sensitivity analysis in observational research: introducing the "
        "E-value. Annals of Internal Medicine 167(4):268–274. doi 10.7326/M16-2607", _estimand("e_value")),
    Reference(
        "Vehtari, A., Gelman, A. and Gabry, J. (2017). Practical Bayesian model evaluation using leave-one-out "
        "cross-validation and WAIC. Statistics and Computing 27:1413–1432. doi 10.1007/s11222-016-9696-4",
        _posterior()),
    Reference(
        "Vehtari, A. et al. (2021). Rank-normalization, folding, and localization: an improved R-hat for assessing "
        "convergence of MCMC. Bayesian Analysis 16:667–718. doi 10.1214/20-BA1221", _posterior()),
    Reference(
        "Westling, T., van der Laan, M. J. and Carone, M. (2020). Correcting an estimator of a "
        "multivariate monotone function with isotonic regression. Electronic Journal of Statistics "
        "14(2):3032–3069. doi 10.1214/20-EJS1740", _estimand("hazard_ratio")),
    Reference(
        "Wood, S. N. and Fasiolo, M. (2017). A generalized Fellner-Schall method for smoothing parameter optimization "
        "with application to Tweedie location, scale and shape models. Biometrics 73:1071–1081. "
        "doi 10.1111/biom.12666", _model("spliced")),
    Reference(
        "Yan, X., Lee, S. and Li, N. (2009). Missing data handling methods in medical device clinical "
        "trials. Journal of Biopharmaceutical Statistics 19(6):1085–1098. doi 10.1080/10543400903243009",
        _estimand("tipping_point")),
    Reference(
        "Yao, Y. et al. (2018). Using stacking to average Bayesian predictive distributions. Bayesian Analysis "
        "13:917–1007. doi 10.1214/17-BA1091", _model("spliced", *AVERAGES)),
)  # fmt: skip
