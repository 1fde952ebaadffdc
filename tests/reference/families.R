# Parametric families on durations known to whole periods: survreg on intervals (t - 1, t].

interval_fit <- function(d, formula, distribution) {
  lost <- d$cause != ""
  from <- ifelse(lost, d$exit - 1, d$exit)
  d$y <- Surv(ifelse(from == 0, NA, from), ifelse(lost, d$exit, NA), type = "interval2")
  environment(formula) <- environment()  # survreg looks for the weights there
  survreg(formula, d, weights = n, dist = distribution, control = survreg.control(
    maxiter = 200, rel.tolerance = 1e-15
  ))
}

# log T = mu + sigma W: mu of every level (and stratum), log sigma.
family_rows <- function(case, model, fit, d, strata) {
  at <- unique(data.frame(score = d$score, stratum = if (strata) d$stratum else ""))
  x <- if (strata) model.matrix(~ 0 + factor(score) + factor(stratum), at) else model.matrix(~ 0 + factor(score), at)
  k <- seq_along(coef(fit))
  se <- sqrt(rowSums((x %*% vcov(fit)[k, k]) * x))
  rows <- numbers(case, paste0(model, ".location"), at$score, NA, x %*% coef(fit), se, stratum = at$stratum)
  if (nrow(vcov(fit)) > length(k)) {
    last <- max(k) + 1
    rows <- rbind(rows, numbers(case, paste0(model, ".log_scale"), "", NA, log(fit$scale), sqrt(vcov(fit)[last, last])))
  }
  rbind(rows, numbers(case, paste0(model, ".log_likelihood"), "", NA, fit$loglik[2], NA))
}

family_numbers <- function(lung, flchain) {
  lung$n <- 1
  lung$stratum <- lung$sex
  flchain$stratum <- paste(flchain$age, flchain$sex, sep = ".")
  distributions <- c(
    exponential = "exponential", weibull = "weibull", log_logistic = "loglogistic", log_normal = "lognormal"
  )
  do.call(rbind, lapply(names(distributions), function(model) {
    fit <- function(d, formula) interval_fit(d, formula, distributions[[model]])
    adjusted <- y ~ 0 + factor(score) + factor(stratum)
    rbind(
      family_rows("lung", model, fit(lung, adjusted), lung, TRUE),
      family_rows("lung_unadjusted", model, fit(lung, y ~ 0 + factor(score)), lung, FALSE),
      family_rows("flchain", model, fit(flchain, adjusted), flchain, TRUE)
    )
  }))
}
