"""Grouped proportional hazards."""
