"""Draws from the priors of a PyMC model, without the data."""

import logging
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr


def prior_predictive(model: "pm.Model", draws: int, seed: int) -> "xr.Dataset":
    """Draw from the priors of a PyMC model: its variables and deterministic quantities, without the data.

    Parameters
    ----------
    model : pm.Model
        The model.
    draws : int
        Number of draws.
    seed : int
        The same seed gives the same draws.

    Returns
    -------
    Dataset
        Of dimensions (chain, draw, …), with one chain.
    """
    import pymc as pm
    from pytensor.compile.mode import Mode

    # its log lists every variable on standard error
    logging.getLogger("pymc.sampling.forward").setLevel(logging.WARNING)
    # compiling takes longer than some hundred evaluations of a small graph
    plain = Mode(linker="py", optimizer="fast_compile")
    names = [one.name for one in (*model.free_RVs, *model.deterministics)]
    with warnings.catch_warnings():
        # the only potential is the likelihood, which prior draws exclude
        warnings.filterwarnings("ignore", message="The effect of Potentials", category=UserWarning)
        drawn = pm.sample_prior_predictive(
            draws, model=model, var_names=names, random_seed=seed % 2**32, compile_kwargs={"mode": plain}
        )
    prior: xr.Dataset = drawn["prior"].to_dataset()
    return prior
