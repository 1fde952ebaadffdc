"""Derivatives, likelihoods, penalties, optimum, draws."""
