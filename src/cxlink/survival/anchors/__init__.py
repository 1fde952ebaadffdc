"""Older cohorts whose end is known: what they say of how this one goes on."""
