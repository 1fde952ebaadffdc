"""A table becomes a cohort, and a cohort counts."""
