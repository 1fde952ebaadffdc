# Surveys that repeat, each followed to the customer's next one: Cox's model of the days, ties by Efron's method.

survey_numbers <- function(d) {
  level <- relevel(factor(d$score), ref = "1")
  strata <- list(factor(d$previous), factor(d$number), factor(d$since))
  alone <- coxph(Surv(d$days, d$lost) ~ level, ties = "efron")
  # the first survey is one category of each of them: its columns are the same, and R leaves the later ones out
  beside <- coxph(Surv(d$days, d$lost) ~ level + strata[[1]] + strata[[2]] + strata[[3]], ties = "efron")
  of_levels <- paste0("level", levels(level)[-1])
  rbind(
    numbers("surveys", "surveys", "", NA, nrow(d), NA_real_),
    numbers("surveys", "lost", "", NA, sum(d$lost), NA_real_),
    numbers("surveys", "unadjusted_log_hazard_ratio", levels(level)[-1], NA, coef(alone)[of_levels], NA_real_),
    numbers("surveys", "log_hazard_ratio", levels(level)[-1], NA, coef(beside)[of_levels], NA_real_)
  )
}
