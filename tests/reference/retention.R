# Kaplan-Meier, Aalen-Johansen and late entry, by survival::survfit; standard errors by Greenwood or from influences.

# S(t), its increments of Greenwood's sum, at every period from 1 to the last with anybody at risk.
by_period <- function(fit, last) {
  at <- summary(fit, times = 0:last, extend = TRUE)
  data.frame(time = 0:last, surv = at$surv, se = at$std.err)
}

survfit_of <- function(d, last = max(d$exit), late = FALSE) {
  d$lost <- d$cause != ""
  y <- if (late) with(d, Surv(entry, exit, lost)) else with(d, Surv(exit, lost))
  by_period(survfit(y ~ 1, weights = d$n, data = d), last)
}

# Area under S to the last period: log-linear within each; its standard error by the delta method from Greenwood's
# covariance S(u) S(t) v(min(u, t)).
area <- function(s, se) {
  before <- head(s, -1); after <- tail(s, -1)
  fall <- log(before / after)
  flat <- before == after
  piece <- ifelse(flat, before, (before - after) / fall)
  by_before <- ifelse(flat, 0.5, 1 / fall - (before - after) / (fall^2 * before))
  by_after <- ifelse(flat, 0.5, -1 / fall + (before - after) / (fall^2 * after))
  gradient <- c(by_before, 0) + c(0, by_after)
  v <- (se / s)^2
  covariance <- outer(s, s) * outer(v, v, pmin)
  c(estimate = sum(piece), std_error = sqrt(drop(gradient %*% covariance %*% gradient)))
}

curve_rows <- function(case, group, d, horizon) {
  s <- survfit_of(d)
  inner <- s$time <= horizon
  rows <- with(s[-1, ], numbers(case, "retention", group, time, surv, se))
  mean <- area(s$surv[inner], s$se[inner])
  rbind(rows, numbers(case, "tenure", group, horizon, mean[[1]], mean[[2]]))
}

# Averages of the strata's curves with fixed weights, and contrasts of two of them.
standardised_rows <- function(case, d, strata, groups, horizon) {
  d$stratum <- interaction(d[strata], drop = TRUE)
  share <- tapply(d$n, d$stratum, sum) / sum(d$n)
  cell <- function(level, stratum) {
    unlist(survfit_of(d[d$score == level & d$stratum == stratum, ], horizon)[horizon + 1, c("surv", "se")])
  }
  average <- function(levels) {
    size <- sapply(levels, function(level) sum(d$n[d$score == level]))
    weight <- outer(size / sum(size), share)
    found <- sapply(names(share), function(s) sapply(levels, cell, stratum = s), simplify = "array")
    found <- array(found, c(2, length(levels), length(share)))
    c(sum(weight * found[1, , ]), sqrt(sum(weight^2 * found[2, , ]^2)))
  }
  found <- lapply(groups, average)
  rows <- do.call(rbind, Map(
    function(name, x) numbers(case, "standardised", name, horizon, x[1], x[2]), names(groups), found
  ))
  a <- found$best; b <- found$worst
  ratio <- a[1] / b[1]
  rbind(
    rows,
    numbers(case, "difference", "best", horizon, a[1] - b[1], sqrt(a[2]^2 + b[2]^2)),
    numbers(case, "ratio", "best", horizon, ratio, ratio * sqrt((a[2] / a[1])^2 + (b[2] / b[1])^2))
  )
}

# The states' probabilities of Aalen & Johansen at every period from 0, and the influence of every customer on them:
# arrays (periods, states) and (customers, periods, states); the first state is being there still.
states_of <- function(d, last, causes = sort(setdiff(unique(d$cause), ""))) {
  d$state <- factor(d$cause, c("", causes))
  d$id <- seq_len(nrow(d))
  y <- if ("entry" %in% names(d)) with(d, Surv(entry, exit, state)) else with(d, Surv(exit, state))
  fit <- survfit(y ~ 1, data = d, id = id, influence = 1)
  # both stay as they are between the times of the fit; influences begin with the start, when everybody is there
  at <- findInterval(0:last, fit$time) + 1
  influence <- lapply(seq_along(fit$states), function(k) fit$influence.pstate[, at, k])
  list(states = fit$states, p = rbind(c(1, numeric(length(fit$states) - 1)), fit$pstate)[at, ], influence = influence)
}

incidence_rows <- function(case, group, d, horizon) {
  found <- states_of(d, horizon)
  do.call(rbind, lapply(2:length(found$states), function(k) numbers(
    case, "cumulative_incidence", group, horizon, found$p[horizon + 1, k],
    sqrt(sum(found$influence[[k]][, horizon + 1]^2)), cause = found$states[k]
  )))
}

# Late entry: S(e + h) / S(e), averaged over the target's entries. Errors are of survfit's influence: Greenwood's
# formula takes customers who enter later for like those already there, a bootstrap of customers does not.
late_averages <- function(d, target, horizon) {
  shares <- prop.table(table(target$entry))
  causes <- sort(setdiff(unique(d$cause), ""))
  value <- 0; influence <- 0
  for (entry in as.integer(names(shares))) {
    # from this entry on, whatever became of the curve before it
    here <- d$exit > entry
    since <- d[here, ]
    since$entry <- pmax(since$entry - entry, 0); since$exit <- since$exit - entry
    found <- states_of(since, horizon, causes)
    moved <- matrix(0, nrow(d), length(found$states))
    moved[here, ] <- sapply(found$influence, function(one) one[, horizon + 1])
    value <- value + shares[[as.character(entry)]] * found$p[horizon + 1, ]
    influence <- influence + shares[[as.character(entry)]] * moved
  }
  Map(function(state, v, i) list(state = state, estimate = v, std_error = i), found$states, value,
    sqrt(colSums(influence^2)))
}

late_rows <- function(case, group, d, horizon) {
  averages <- late_averages(d, d, horizon)
  found <- states_of(d, max(d$exit))
  t <- min(d$entry + 1):max(d$exit)
  rbind(
    numbers(case, "retention", group, horizon, averages[[1]]$estimate, averages[[1]]$std_error),
    do.call(rbind, lapply(averages[-1], function(one) numbers(
      case, "cumulative_incidence", group, horizon, one$estimate, one$std_error, cause = one$state
    ))),
    numbers(case, "since_signup", group, t, found$p[t + 1, 1], sqrt(colSums(found$influence[[1]][, t + 1]^2)))
  )
}

# The same averaged over the strata and entries of all customers.
late_standardised <- function(case, group, d, all, horizon) {
  share <- prop.table(table(all$sex))
  parts <- lapply(names(share), function(sex) {
    late_averages(d[d$sex == sex, ], all[all$sex == sex, ], horizon)[[1]]
  })
  value <- sapply(parts, `[[`, "estimate"); error <- sapply(parts, `[[`, "std_error")
  numbers(case, "standardised", group, horizon, sum(share * value), sqrt(sum((share * error)^2)))
}

retention_numbers <- function(lung, flchain, mgus) {
  lung$n <- 1; mgus$n <- 1
  flc_groups <- c(list(worst = 10, best = 1:2), setNames(as.list(1:10), 1:10))
  lung_groups <- c(list(worst = 2, best = 0), setNames(as.list(0:2), 0:2))
  each <- function(d, groups, rows) do.call(rbind, Map(
    function(name, levels) rows(name, d[d$score %in% levels, ]), names(groups), groups
  ))
  # counts with case weights and the customers one by one are the same to R
  alone <- flchain[rep(seq_len(nrow(flchain)), flchain$n), ]; alone$n <- 1
  stopifnot(all.equal(survfit_of(flchain), survfit_of(alone), tolerance = 1e-12))
  rbind(
    each(lung, c(lung_groups, list(all = 0:2)), function(g, d) curve_rows("lung", g, d, 12)),
    each(lung, lung_groups[c("worst", "best")], function(g, d) do.call(rbind, lapply(unique(d$sex), function(sex) {
      at <- survfit_of(d[d$sex == sex, ], 12)[13, ]
      numbers("lung", "retention", g, 12, at$surv, NA, stratum = paste0("sex=", sex))
    }))),
    standardised_rows("lung", lung, "sex", lung_groups, 12),
    each(flchain, c(flc_groups, list(all = 1:10)), function(g, d) curve_rows("flchain", g, d, 10)),
    # one by one: survfit's robust error takes a case weight for a sampling weight
    each(alone, c(flc_groups, list(all = 1:10)), function(g, d) incidence_rows("flchain", g, d, 10)),
    standardised_rows("flchain", flchain, c("age", "sex"), flc_groups, 10),
    each(mgus, list(`1` = 1, `2` = 2, `3` = 3, all = 1:3), function(g, d) late_rows("mgus", g, d, 5)),
    each(mgus, list(`1` = 1, `2` = 2, `3` = 3), function(g, d) late_standardised("mgus", g, d, mgus, 5))
  )
}
