"""Models as a researcher holds them in a notebook: a formula in, coefficients, predictions and contrasts out."""
