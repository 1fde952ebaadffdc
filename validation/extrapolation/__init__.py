"""Tenure beyond follow-up: truths that are known to the end, cohorts of them as counts, and what intervals hold."""
