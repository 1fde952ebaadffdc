"""Timed comparisons of cxlink with an engine's bare group-by and with other packages; never part of the tests."""
