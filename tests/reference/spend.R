# Spend with many zeros: regressions on the customers one by one, robust covariances by sandwich.

tight <- glm.control(epsilon = 1e-14, maxit = 200)

# Minus the inverse of the scores' derivative, times the customers. A gamma with a log link is not canonical: sandwich
# takes the expected derivative of its scores, (y - mu) / mu; here it is the observed one, y / mu.
bread_of <- function(fit, gamma) {
  if (!gamma) return(bread(fit))
  x <- model.matrix(fit)
  nrow(x) * solve(crossprod(x, x * fit$y / fitted(fit)))
}

# Influence of every customer on the coefficients, 0 for those outside the fit; HC2 divides scores by
# sqrt(1 - leverage).
influence_on <- function(fit, inside, hc2, gamma = FALSE) {
  scores <- estfun(fit)
  if (gamma) scores <- model.matrix(fit) * (fit$y / fitted(fit) - 1)
  if (hc2) scores <- scores / sqrt(1 - hatvalues(fit))
  made <- matrix(0, length(inside), length(coef(fit)))
  made[inside, ] <- scores %*% bread_of(fit, gamma) / sum(inside)
  made
}

means_of_cells <- function(d, case) {
  share <- prop.table(table(d$coinsurance))
  d$cell <- interaction(d$score, d$coinsurance)
  # saturated: HC2 gives s^2 / n
  saturated <- glm(visits ~ 0 + cell, quasipoisson, d, control = tight)
  m <- exp(coef(saturated)); v <- m^2 * diag(vcovHC(saturated, type = "HC2"))
  by_hand <- as.vector(tapply(d$visits, d$cell, var) / table(d$cell))
  stopifnot(all.equal(unname(v), by_hand, tolerance = 1e-8))
  of <- strsplit(sub("cell", "", names(m)), ".", fixed = TRUE)
  level <- sapply(of, `[`, 1); stratum <- sapply(of, `[`, 2)
  whole <- glm(visits ~ 0 + score, quasipoisson, d, control = tight)
  w <- as.vector(share[stratum])
  rbind(
    numbers(case, "means.cell", level, NA, m, sqrt(v), stratum = stratum),
    numbers(case, "means", levels(d$score), NA, exp(coef(whole)),
      exp(coef(whole)) * sqrt(diag(vcovHC(whole, type = "HC2")))),
    numbers(case, "means.standardised", levels(d$score), NA, tapply(w * m, level, sum),
      sqrt(tapply(w^2 * v, level, sum)))
  )
}

spend_numbers <- function(counts) {
  d <- counts[rep(seq_len(nrow(counts)), counts$n), ]
  d$score <- factor(d$score); d$coinsurance <- factor(d$coinsurance)
  d$spent <- d$visits > 0
  case <- "randhie"
  additive <- visits ~ score + coinsurance
  poisson <- glm(additive, quasipoisson, d, control = tight)
  # quasi-gamma, zeros in: a log link and a variance that grows as the square of the mean
  quasi_gamma <- glm(additive, quasi(link = "log", variance = "mu^2"), d, control = tight, start = coef(poisson))
  spender <- glm(spent ~ score + coinsurance, binomial, d, control = tight)
  gamma <- glm(additive, Gamma("log"), d[d$spent, ], control = tight, start = coef(poisson))
  ols <- lm(log(visits) ~ score + coinsurance, d[d$spent, ])
  everybody <- rep(TRUE, nrow(d))
  for (fit in list(poisson, spender, ols)) { # sandwich's own estimators, where its bread is ours
    stopifnot(all.equal(crossprod(influence_on(fit, rep(TRUE, nobs(fit)), FALSE)), vcovHC(fit, type = "HC0"),
      tolerance = 1e-8, check.attributes = FALSE))
    stopifnot(all.equal(crossprod(influence_on(fit, rep(TRUE, nobs(fit)), TRUE)), vcovHC(fit, type = "HC2"),
      tolerance = 1e-8, check.attributes = FALSE))
  }

  # smearing by level: the mean of exp(residual) among those of the level who spent
  e <- exp(residuals(ols)); level <- d$score[d$spent]
  factors <- c(tapply(e, level, mean))
  smearing <- function(hc2) {
    on_ols <- influence_on(ols, d$spent, hc2)
    sapply(levels(d$score), function(l) {
      n <- sum(level == l)
      own <- numeric(nrow(d))
      own[d$spent][level == l] <- (e[level == l] - factors[[l]]) / n / sqrt(1 - hc2 / n)
      own - drop(on_ols %*% colMeans((e * model.matrix(ols))[level == l, , drop = FALSE]))
    })
  }

  cells <- expand.grid(score = levels(d$score), coinsurance = levels(d$coinsurance), stringsAsFactors = TRUE)
  x <- model.matrix(~ score + coinsurance, cells)
  share <- as.vector(prop.table(table(d$coinsurance))[cells$coinsurance])
  # the linear predictor of every combination, with errors of both kinds
  predictors <- function(quantity, fit, inside, gamma = FALSE) do.call(rbind, lapply(c(FALSE, TRUE), function(hc2) {
    influence <- influence_on(fit, inside, hc2, gamma)
    numbers(case, paste0(quantity, if (hc2) ".hc2" else ".hc0"), cells$score, NA, x %*% coef(fit),
      sqrt(rowSums((x %*% crossprod(influence)) * x)), stratum = as.character(cells$coinsurance))
  }))
  # means of every level over the strata of all customers; errors HC2, all parts stacked
  standardised <- function(quantity, mean, influence) {
    by_level <- model.matrix(~ 0 + cells$score) * share
    numbers(case, paste0(quantity, ".standardised"), levels(d$score), NA, drop(mean %*% by_level),
      sqrt(colSums((influence %*% by_level)^2)))
  }
  on <- function(fit, inside, mean, gamma = FALSE) t(t(influence_on(fit, inside, TRUE, gamma) %*% t(x)) * mean)
  eta <- function(fit) drop(x %*% coef(fit))
  p <- plogis(eta(spender)); on_p <- function(mean) on(spender, everybody, mean * p * (1 - p))
  amount <- exp(eta(gamma))
  smeared <- exp(eta(ols)) * factors[cells$score]
  on_smeared <- t(t(smearing(TRUE)[, cells$score]) * p * exp(eta(ols)))
  dispersion <- sapply(list(poisson, quasi_gamma, gamma), function(fit) summary(fit)$dispersion)
  rbind(
    means_of_cells(d, case),
    predictors("poisson", poisson, everybody),
    predictors("quasi_gamma", quasi_gamma, everybody, gamma = TRUE),
    predictors("spender", spender, everybody),
    predictors("gamma", gamma, d$spent, gamma = TRUE),
    predictors("log_ols", ols, d$spent),
    numbers(case, "log_smearing.hc0", levels(d$score), NA, log(factors), sqrt(colSums(smearing(FALSE)^2)) / factors),
    numbers(case, "log_smearing.hc2", levels(d$score), NA, log(factors), sqrt(colSums(smearing(TRUE)^2)) / factors),
    numbers(case, "dispersion", c("poisson", "quasi_gamma", "gamma", "log_ols"), NA,
      c(dispersion, summary(ols)$sigma^2), NA),
    standardised("poisson", exp(eta(poisson)), on(poisson, everybody, exp(eta(poisson)))),
    standardised("quasi_gamma", exp(eta(quasi_gamma)), on(quasi_gamma, everybody, exp(eta(quasi_gamma)), TRUE)),
    standardised("two_part", p * amount, on(gamma, d$spent, p * amount, TRUE) + on_p(amount)),
    standardised("log_ols", p * smeared, on(ols, d$spent, p * smeared) + on_smeared + on_p(smeared))
  )
}
