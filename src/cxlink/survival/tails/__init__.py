"""Tenure beyond follow-up: observed curves, continued by hazards of each stratum, with an error for their form."""
