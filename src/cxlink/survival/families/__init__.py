"""Parametric families of the time to loss."""
