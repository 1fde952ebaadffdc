# The tables that R's survival package ships, as cohorts in whole periods: a loss in period t happened in (t - 1, t],
# and who was censored is followed for the whole periods that fit. Who has no whole period is left out.

# Lung cancer, in months: ECOG performance 0 (well) to 2; the only patient with 3 is left out.
lung_cohort <- function() {
  d <- subset(survival::lung, ph.ecog %in% 0:2)
  dead <- d$status == 2
  month <- d$time / 30.4375
  out <- data.frame(
    score = d$ph.ecog, sex = c("male", "female")[d$sex],
    exit = ifelse(dead, pmax(ceiling(month), 1), floor(month)), cause = ifelse(dead, "death", "")
  )
  out <- subset(out, exit > 0)
  out[do.call(order, out), ]
}

# Free light chain in serum, tenths 1 to 10, in years; three causes of death. Counts: one row a cell.
flchain_cohort <- function() {
  d <- survival::flchain
  dead <- d$death == 1
  year <- d$futime / 365.25
  chapter <- as.character(d$chapter)
  cause <- ifelse(chapter == "Circulatory", "circulatory", ifelse(chapter == "Neoplasms", "neoplasm", "other"))
  cause[dead & is.na(cause)] <- "other"
  rows <- data.frame(
    score = d$flc.grp, age = as.character(cut(d$age, c(0, 60, 70, 200), c("50-59", "60-69", "70+"), right = FALSE)),
    sex = as.character(d$sex), exit = ifelse(dead, pmax(ceiling(year), 1), floor(year)),
    cause = ifelse(dead, cause, "")
  )
  counts <- aggregate(list(n = rep(1L, nrow(rows))), rows, sum)
  counts <- subset(counts, exit > 0)
  counts[do.call(order, counts), ]
}

# Monoclonal gammopathy on the clock of age, in years from 60 on, entered at the diagnosis: grades of the M-spike,
# progression to a malignancy or death, whichever came first.
mgus_cohort <- function() {
  d <- subset(survival::mgus2, age >= 60 & age <= 85 & !is.na(mspike))
  progressed <- d$pstat == 1
  gone <- progressed | d$death == 1
  year <- ifelse(progressed, d$ptime, d$futime) / 12
  stay <- ifelse(gone, pmax(ceiling(year), 1), floor(year))
  entry <- d$age - 60
  out <- data.frame(
    score = as.integer(cut(d$mspike, c(-Inf, 0.5, 1.3, Inf))), sex = as.character(d$sex),
    entry = entry, exit = entry + stay, cause = ifelse(progressed, "malignancy", ifelse(gone, "death", ""))
  )
  out <- subset(out, exit > entry)
  out[do.call(order, out), ]
}

# Colon cancer, in quarters to its return: observed (1), levamisole (2), levamisole and fluorouracil (3); over half of
# the patients never see it return, which is what a cure model is for. Counts: one row a cell.
colon_cohort <- function() {
  d <- subset(survival::colon, etype == 1)
  returned <- d$status == 1
  quarter <- d$time / (365.25 / 4)
  rows <- data.frame(
    score = as.integer(d$rx), nodes = c("few", "many")[d$node4 + 1],
    exit = ifelse(returned, pmax(ceiling(quarter), 1), floor(quarter)), cause = ifelse(returned, "return", "")
  )
  counts <- aggregate(list(n = rep(1L, nrow(rows))), rows, sum)
  counts <- subset(counts, exit > 0)
  counts[do.call(order, counts), ]
}
