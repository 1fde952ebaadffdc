"""What changed between cohorts, and whether the old model holds."""
