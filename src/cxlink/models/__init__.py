"""Counts become curves and means, with draws."""
