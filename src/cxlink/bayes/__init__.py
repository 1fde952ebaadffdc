"""Bayesian models on counts."""
