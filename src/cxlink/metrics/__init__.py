"""The metrics that managers ask for."""
