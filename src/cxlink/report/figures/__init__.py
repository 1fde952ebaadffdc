"""Figures, drawn from tables."""
