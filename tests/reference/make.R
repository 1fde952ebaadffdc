# Remakes the tables and the numbers of this folder: see README.md.
suppressPackageStartupMessages({ library(survival); library(sandwich) })
options(warn = 2, digits = 15)

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
parts <- c("tables.R", "retention.R", "hazards.R", "likelihoods.R", "families.R", "spend.R", "surveys.R")
for (part in parts) source(file.path(here, part))

# One row a number: what it is, of whom, when; no standard error where R gives none that is comparable.
numbers <- function(
  case, quantity, group, time, estimate, std_error, stratum = "", cause = ""
) data.frame(
  case = case, quantity = quantity, group = as.character(group), stratum = stratum, cause = cause,
  time = as.double(time), estimate = estimate, std_error = std_error, row.names = NULL
)

write_table <- function(d, name) {
  for (column in names(d)) if (is.double(d[[column]])) {
    shown <- formatC(d[[column]], digits = 12, format = "g", width = 1)
    d[[column]] <- ifelse(is.na(d[[column]]), "", shown)
  }
  write.csv(d, file.path(here, name), row.names = FALSE, quote = FALSE)
}

lung <- lung_cohort(); flchain <- flchain_cohort(); mgus <- mgus_cohort(); colon <- colon_cohort()
visits <- read.csv(file.path(here, "randhie.csv"), colClasses = c(coinsurance = "character"))
write_table(lung, "lung.csv"); write_table(flchain, "flchain.csv"); write_table(mgus, "mgus.csv")
write_table(colon, "colon.csv")

write_table(retention_numbers(lung, flchain, mgus), "r_retention.csv")
write_table(hazard_numbers(lung, flchain, mgus), "r_hazards.csv")
write_table(family_numbers(lung, flchain, mgus, colon), "r_families.csv")
write_table(spend_numbers(visits), "r_spend.csv")
write_table(survey_numbers(read.csv(file.path(here, "surveys.csv"))), "r_surveys.csv")

versions <- c(
  R.version.string,
  sapply(c("survival", "sandwich"), function(p) paste(p, as.character(packageVersion(p))))
)
writeLines(versions, file.path(here, "r_versions.txt"))
