"""Means and regressions of spend, from sums."""
