# Parametric families on durations known to whole periods: survreg on intervals (t - 1, t], and what it lacks.

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

# Starting values beside the location, by name.
others <- list(
  exponential = c(), weibull = c(log_shape = 0), gompertz = c(shape = 0.01), log_normal = c(log_sigma = 0),
  log_logistic = c(log_shape = 0), generalised_gamma = c(log_sigma = 0, q = 0.5),
  shifted_beta_geometric = c(logit_polarisation = -1),
  beta_discrete_weibull = c(logit_polarisation = -1, log_shape = 0)
)

start_of <- function(model, hazard) {
  location <- if (model %in% c("shifted_beta_geometric", "beta_discrete_weibull")) qlogis(hazard) else
    if (model %in% c("log_normal", "log_logistic", "generalised_gamma")) -log(hazard) else log(hazard)
  c(location = location, others[[model]])
}

# A likelihood of our own: location of every level and stratum, the other parameters, the log-likelihood.
own_rows <- function(case, model, d) {
  uncured <- sub("^cure_", "", model)
  cured <- uncured != model
  start <- start_of(uncured, sum(d$n * d$lost) / sum(d$n * (d$exit - d$entry)))
  if (cured) start <- c(0, uncured = start)
  law <- if (cured) cure(laws[[uncured]]) else laws[[model]]
  fit <- fit_own(d, law, unname(start[1]), start[-1])
  k <- seq_along(fit$theta)[-seq_len(ncol(fit$at))]
  se <- sqrt(diag(fit$covariance))
  location <- linear(fit, cbind(fit$at, matrix(0, nrow(fit$at), length(k))))
  rbind(
    numbers(case, paste0(model, ".location"), fit$cell$score, NA, location[, 1], location[, 2], fit$cell$stratum),
    if (length(k)) numbers(case, paste0(model, ".", names(start)[-1]), "", NA, fit$theta[k], se[k]),
    numbers(case, paste0(model, ".log_likelihood"), "", NA, fit$log_likelihood, NA)
  )
}

# A spline with evenly spread knots: their places, and log H(t), linear in the parameters, at three times.
spline_rows <- function(case, n_inner, d) {
  model <- paste0("spline_", n_inner)
  knots <- seq(log(min(d$exit[d$lost])), log(max(d$exit[d$lost])), length.out = n_inner + 2)
  basis <- function(t) splines::ns(log(t), knots = knots[-c(1, n_inner + 2)], Boundary.knots = range(knots))
  hazard <- sum(d$n * d$lost) / sum(d$n * (d$exit - d$entry))
  whole <- 1:max(d$exit)
  weibull <- lm.fit(cbind(1, basis(whole)), log(hazard * whole))$coefficients  # a shape of 1, in this basis
  fit <- fit_own(d, spline(knots), weibull[[1]], weibull[-1])
  rows <- lapply(round(max(d$exit) * c(0.1, 0.5, 1)), function(t) {
    b <- matrix(basis(t), nrow(fit$at), n_inner + 1, byrow = TRUE)
    log_h <- linear(fit, cbind(fit$at, b))
    numbers(case, paste0(model, ".log_cumulative_hazard"), fit$cell$score, t, log_h[, 1], log_h[, 2], fit$cell$stratum)
  })
  rbind(
    numbers(case, paste0(model, ".knot"), seq_along(knots), NA, knots, NA), do.call(rbind, rows),
    numbers(case, paste0(model, ".log_likelihood"), "", NA, fit$log_likelihood, NA)
  )
}

fit_own <- function(d, law, location, more) {
  x <- model.matrix(~ 0 + factor(score) + factor(stratum), d)
  n_levels <- length(unique(d$score))
  fit <- maximise(d, x, law, c(rep(c(location, 0), c(n_levels, ncol(x) - n_levels)), more))
  cell <- unique(d[c("score", "stratum")])
  c(fit, list(cell = cell, at = model.matrix(~ 0 + factor(score) + factor(stratum), cell)))
}

# Linear combinations of the parameters, and their standard errors.
linear <- function(fit, rows) cbind(rows %*% fit$theta, sqrt(rowSums((rows %*% fit$covariance) * rows)))

own_numbers <- function(lung, flchain, mgus, colon) {
  rows_of <- function(case, d, models, n_inner) {
    d$lost <- d$cause != ""
    do.call(rbind, c(lapply(models, own_rows, case = case, d = d), lapply(n_inner, spline_rows, case = case, d = d)))
  }
  uncured <- names(laws)[1:6]
  rbind(
    rows_of("lung", lung, c("gompertz", "generalised_gamma"), 1:2),
    rows_of("flchain", flchain, c("gompertz", "generalised_gamma", "cure_weibull"), 1),
    rows_of("mgus", mgus, uncured, 1:2),
    rows_of("colon", colon, c(names(laws), paste0("cure_", uncured)), 1:4)
  )
}

family_numbers <- function(lung, flchain, mgus, colon) {
  lung$n <- 1
  lung$stratum <- lung$sex
  flchain$stratum <- paste(flchain$age, flchain$sex, sep = ".")
  mgus$n <- 1
  mgus$stratum <- mgus$sex
  colon$stratum <- colon$nodes
  lung$entry <- flchain$entry <- colon$entry <- 0
  distributions <- c(
    exponential = "exponential", weibull = "weibull", log_logistic = "loglogistic", log_normal = "lognormal"
  )
  by_survreg <- do.call(rbind, lapply(names(distributions), function(model) {
    fit <- function(d, formula) interval_fit(d, formula, distributions[[model]])
    adjusted <- y ~ 0 + factor(score) + factor(stratum)
    rbind(
      family_rows("lung", model, fit(lung, adjusted), lung, TRUE),
      family_rows("lung_unadjusted", model, fit(lung, y ~ 0 + factor(score)), lung, FALSE),
      family_rows("flchain", model, fit(flchain, adjusted), flchain, TRUE)
    )
  }))
  rbind(by_survreg, own_numbers(lung, flchain, mgus, colon))
}
