"""Shared by all tests."""

import statsmodels.api  # noqa: F401  (resets the warning filters when imported: do it before pytest sets them)
