# Families that survreg lacks, or with customers who enter late: their likelihood on rows, written out and maximised.
# A row is lost in (exit - 1, exit], or still there at exit; in either case known to have outlasted entry.

# log S(t) for t > 0 by the location eta (one a row) and the other parameters b, all on scales without bounds.
laws <- list(
  exponential = function(t, eta, b) -t * exp(eta),
  weibull = function(t, eta, b) pweibull(t, exp(b[1]), exp(-eta), lower.tail = FALSE, log.p = TRUE),
  gompertz = function(t, eta, b) -exp(eta) * expm1(b[1] * t) / b[1],
  log_normal = function(t, eta, b) plnorm(t, eta, exp(b[1]), lower.tail = FALSE, log.p = TRUE),
  log_logistic = function(t, eta, b) plogis(log(t), eta, exp(-b[1]), lower.tail = FALSE, log.p = TRUE),
  # Prentice 1974: q^-2 exp(q (log T - mu) / sigma) is gamma(q^-2); a negative q turns it round.
  generalised_gamma = function(t, eta, b) {
    pgamma(exp(b[2] * (log(t) - eta) / exp(b[1])) / b[2]^2, 1 / b[2]^2, lower.tail = b[2] < 0, log.p = TRUE)
  },
  # Fader and Hardie 2007: a probability of leaving each period that is beta over customers.
  shifted_beta_geometric = function(t, eta, b) {
    both <- exp(-b[1])
    lbeta(both * plogis(eta), both * plogis(-eta) + t) - lbeta(both * plogis(eta), both * plogis(-eta))
  },
  beta_discrete_weibull = function(t, eta, b) laws$shifted_beta_geometric(t^exp(b[2]), eta, b[1])
)

# The score and the stratum act on the share that never leaves.
cure <- function(law) {
  force(law)
  function(t, eta, b) log(plogis(eta) + plogis(-eta) * exp(law(t, b[1], b[-1])))
}

# Royston and Parmar 2002, with the basis of splines::ns.
spline <- function(knots) {
  inner <- knots[-c(1, length(knots))]
  function(t, eta, b) {
    -exp(eta + drop(splines::ns(log(t), knots = inner, Boundary.knots = range(knots)) %*% b))
  }
}

row_log_likelihood <- function(d, law, eta, b) {
  at <- function(t) ifelse(t > 0, law(pmax(t, 1), eta, b), 0)  # in whole periods: whatever is not over 0 is 0
  end <- at(d$exit)
  last <- at(d$exit - 1)
  d$n * (ifelse(d$lost, last + log(pmax(-expm1(end - last), 0)), end) - at(d$entry))
}

# Derivatives of the rows' log-likelihood by the location and the others: differences of fourth order.
slopes <- function(f, theta, step) {
  weights <- c(1, -8, 8, -1) / (12 * step)
  sapply(seq_along(theta), function(k) {
    Reduce(`+`, Map(function(w, by) {
      theta[k] <- theta[k] + by
      w * f(theta)
    }, weights, c(-2, -1, 1, 2) * step))
  }, simplify = "array")
}

# Newton's method with halved steps and, while the likelihood does not curve down, a ridge.
maximise <- function(d, x, law, start, step = 2e-3) {
  p <- ncol(x)
  m <- length(start) - p
  rows <- function(theta) function(moved) {
    row_log_likelihood(d, law, drop(x %*% theta[1:p]) + moved[1], theta[-(1:p)] + moved[-1])
  }
  value <- function(theta) sum(rows(theta)(numeric(1 + m)))
  spread <- function(by_row) rbind(crossprod(x, by_row[, 1, drop = FALSE]), matrix(colSums(by_row)[-1]))
  theta <- start
  for (round in 1:60) {
    f <- rows(theta)
    gradient <- drop(spread(slopes(f, numeric(1 + m), step)))
    second <- slopes(function(moved) slopes(function(more) f(moved + more), numeric(1 + m), step), numeric(1 + m), step)
    hessian <- matrix(0, p + m, p + m)
    hessian[1:p, 1:p] <- crossprod(x, x * second[, 1, 1])
    for (k in seq_len(m)) hessian[, p + k] <- hessian[p + k, ] <- drop(spread(second[, , 1 + k]))
    values <- eigen(hessian, symmetric = TRUE, only.values = TRUE)$values
    ridge <- if (values[1] < 0) 0 else values[1] + 0.1 * abs(values[length(values)])
    move <- -solve(hessian - diag(ridge, p + m), gradient)
    size <- 1
    here <- value(theta)
    while (size > 1e-9 && !isTRUE(value(theta + size * move) >= here - 1e-10 * abs(here))) size <- size / 2
    theta <- theta + size * move
    if (ridge == 0 && max(abs(move)) < 1e-8) break
  }
  if (ridge > 0 || max(abs(move)) > 1e-6) stop("no maximum")
  list(theta = theta, covariance = solve(-hessian), log_likelihood = value(theta))
}
