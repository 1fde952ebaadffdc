"""Draws from posteriors, and what they say of groups."""
