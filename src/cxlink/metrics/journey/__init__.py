"""Touchpoints as a journey: what each contact adds, in which order they come, and how their scores change."""
