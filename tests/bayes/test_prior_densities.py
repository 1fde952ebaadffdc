"""The densities of the priors are those of SciPy."""

import numpy as np
import pytest
from scipy.stats import gamma, norm

from cxlink.bayes.priors import GAMMA_SHAPE, Prior

X = np.array([-1.0, 0.0, 0.3, 2.0, 40.0])


@pytest.mark.parametrize("scale", [0.2, 3.0])
def test_normal_and_gamma_are_scipys(scale: float) -> None:
    ours = Prior("slope", "normal", scale, centre=0.7).log_density(X)
    np.testing.assert_allclose(ours, norm.logpdf(X, 0.7, scale), rtol=1e-12)
    theirs = gamma.logpdf(X, GAMMA_SHAPE, scale=scale / GAMMA_SHAPE)
    np.testing.assert_allclose(Prior("spread", "gamma", scale).log_density(X), theirs, rtol=1e-12)
