"""Rows, coefficients and checks of fitted hazard models, parametric families and regressions of spend."""
