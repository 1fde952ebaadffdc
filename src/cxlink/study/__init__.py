"""The published study on cohorts with a known truth."""
