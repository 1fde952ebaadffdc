"""Draws become the quantities that people ask for, in one tidy table."""
