# Grouped proportional hazards: glm with a complementary log-log link on counts by period, a free baseline.

# Customers at risk and lost by period, score and stratum. Periods in which nobody was lost, or everybody, say nothing
# of the effects and are left out: at the likelihood's maximum the hazard there is 0, or 1.
person_periods <- function(d, strata) {
  if (!"entry" %in% names(d)) d$entry <- 0
  cells <- unique(d[c("score", strata)])
  made <- do.call(rbind, lapply(seq_len(nrow(cells)), function(i) {
    one <- merge(d, cells[i, , drop = FALSE])
    t <- seq_len(max(one$exit))
    data.frame(
      cells[i, , drop = FALSE], period = t, row.names = NULL,
      at_risk = sapply(t, function(u) sum(one$n[one$entry < u & one$exit >= u])),
      lost = sapply(t, function(u) sum(one$n[one$exit == u & one$cause != ""]))
    )
  }))
  made$kept <- made$at_risk - made$lost
  total <- tapply(made$at_risk, made$period, sum); gone <- tapply(made$lost, made$period, sum)
  made[made$at_risk > 0 & (gone > 0 & gone < total)[as.character(made$period)], ]
}

cloglog <- function(effects, strata, p) {
  terms <- c("factor(period)", effects, if (length(strata)) paste0("factor(", strata, ")"))
  glm(reformulate(terms, quote(cbind(lost, kept))), binomial("cloglog"), p,
    control = glm.control(epsilon = 1e-14, maxit = 200))
}

# Without the binomial coefficients: the likelihood of who was lost when.
log_likelihood <- function(fit) {
  h <- fitted(fit); lost <- fit$data$lost
  sum(ifelse(lost > 0, lost * log(h), 0) + fit$data$kept * log1p(-h))
}

# Standardised retention of a level: S(e + h) / S(e) by the model for every stratum and entry, weighted by their
# shares among all customers, and its gradient.
g_computation <- function(fit, d, strata, level, horizon) {
  if (!"entry" %in% names(d)) d$entry <- 0
  target <- aggregate(d["n"], d[c(strata, "entry")], sum)
  estimate <- 0; gradient <- 0
  known <- sort(unique(fit$data$period))
  for (i in seq_len(nrow(target))) {
    t <- known[known > target$entry[i] & known <= target$entry[i] + horizon]
    new <- data.frame(period = t, score = level, target[i, strata, drop = FALSE], row.names = NULL)
    x <- model.matrix(delete.response(terms(fit)), new, xlev = fit$xlevels)
    hazard <- exp(drop(x %*% coef(fit)))
    kept <- target$n[i] / sum(target$n) * exp(-sum(hazard))
    estimate <- estimate + kept
    gradient <- gradient - kept * colSums(hazard * x)
  }
  list(estimate = estimate, gradient = gradient)
}

hazard_case <- function(case, d, strata, horizon, groups) {
  p <- person_periods(d, strata)
  levels <- sort(unique(p$score))
  size <- sapply(levels, function(level) sum(d$n[d$score == level]))
  shares <- lapply(groups, function(members) size * (levels %in% members) / sum(size[levels %in% members]))
  free <- cloglog("factor(score)", strata, p)
  # log hazard ratios of groups against worst: the mean over a group's levels
  ratios <- function(quantity, fit, of) {
    effects <- grep("factor(score)", names(coef(fit)), fixed = TRUE)
    against <- sapply(shares[of], `-`, shares$worst)[-1, , drop = FALSE]
    numbers(case, quantity, of, NA, drop(coef(fit)[effects] %*% against),
      sqrt(colSums(against * (vcov(fit)[effects, effects] %*% against))))
  }
  others <- setdiff(as.character(levels), as.character(groups$worst))
  made <- lapply(levels, function(level) g_computation(free, d, strata, level, horizon))
  averages <- lapply(shares, function(share) list(
    estimate = sum(share * sapply(made, `[[`, "estimate")), gradient = drop(sapply(made, `[[`, "gradient") %*% share)
  ))
  error <- function(gradient) sqrt(drop(gradient %*% vcov(free) %*% gradient))
  standard <- do.call(rbind, Map(function(name, x) numbers(
    case, "standardised", name, horizon, x$estimate, error(x$gradient)
  ), names(averages), averages))
  a <- averages$best; b <- averages$worst
  ratio <- a$estimate / b$estimate
  by_ratio <- ratio * (a$gradient / a$estimate - b$gradient / b$estimate)
  linear <- cloglog("score", strata, p)
  fading <- cloglog(c("score", "score:period"), strata, p)
  crossed <- cloglog(c("factor(score)", paste0("factor(score):factor(", strata, ")")), strata, p)
  plain <- cloglog("factor(score)", NULL, p)
  one <- function(quantity, fit, name) numbers(case, quantity, "", NA, coef(fit)[[name]], sqrt(vcov(fit)[name, name]))
  rbind(
    ratios("log_hazard_ratio", free, c("best", others)), ratios("unadjusted_log_hazard_ratio", plain, others),
    standard,
    numbers(case, "difference", "best", horizon, a$estimate - b$estimate, error(a$gradient - b$gradient)),
    numbers(case, "ratio", "best", horizon, ratio, error(by_ratio)),
    one("linear_score", linear, "score"), one("score_by_period", fading, "score:period"),
    numbers(case, "log_likelihood", c("levels", "linear", "score_by_period", "interacting", "unadjusted"), NA,
      sapply(list(free, linear, fading, crossed, plain), log_likelihood), NA)
  )
}

hazard_numbers <- function(lung, flchain, mgus) {
  lung$n <- 1; mgus$n <- 1
  groups <- function(worst, best, levels) c(list(worst = worst, best = best), setNames(as.list(levels), levels))
  rbind(
    hazard_case("lung", lung, "sex", 12, groups(2, 0, 0:2)),
    hazard_case("flchain", flchain, c("age", "sex"), 10, groups(10, 1:2, 1:10)),
    hazard_case("mgus", mgus, "sex", 5, groups(3, 1, 1:3))
  )
}
