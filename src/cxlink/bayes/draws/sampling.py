"""Sampling from a posterior with nutpie, and keeping the draws: the same seed gives the same draws, byte for byte.

A model is either written in PyMC, and compiled, or a log density with its gradient in arrays, which needs no compiler.
"""

import logging
import os
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr

_STATS = ("diverging", "energy", "n_steps", "depth", "step_size", "logp")
_SPREAD = 0.5
Evaluate = Callable[[np.ndarray], tuple[float, np.ndarray]]


@dataclass(frozen=True, slots=True, eq=False)
class LogDensity:
    """A posterior as arrays: what a sampler needs of it, and what is kept of each draw.

    Attributes
    ----------
    size : int
        Unconstrained parameters.
    evaluate : callable
        Makes a function for one chain: of an ndarray of shape (size,), it gives the log density up to a constant, and
        its gradient of the same shape. Chains run side by side, so that each has a function of its own.
    expand : callable
        Of an ndarray of shape (size,), the quantities by name; all of float.
    shapes : dict of str to tuple of int
        Of the quantities.
    """

    size: int
    evaluate: Callable[[], Evaluate]
    expand: Callable[[np.ndarray], dict[str, np.ndarray]]
    shapes: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Draws from a posterior, and what they are draws of.

    Attributes
    ----------
    name : str
        Of the model, as in the estimates table: ``bayes``, ``bayes_sbg``.
    tree : DataTree
        Groups ``posterior`` and ``sample_stats``, of dimensions (chain, draw, …).
    about : dict
        The frozen coding of levels, strata and cohorts that made it: what text can hold.
    seconds_compile, seconds_sampling : float
        Wall time of either.
    """

    name: str
    tree: "xr.DataTree"
    about: dict[str, Any] = field(default_factory=dict)
    seconds_compile: float = 0.0
    seconds_sampling: float = 0.0

    @property
    def n_draws(self) -> int:
        """Draws of all chains."""
        sizes = self.tree["posterior"].sizes
        return int(sizes["chain"] * sizes["draw"])

    def draws(self, name: str) -> np.ndarray:
        """Draws of one quantity, chain after chain: (n_draws, ...)."""
        values = self.tree["posterior"][name].to_numpy()
        together: np.ndarray = values.reshape(-1, *values.shape[2:])
        return together


def sample(
    model: "pm.Model | LogDensity",
    name: str,
    *,
    seed: int,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    cores: int | None = None,
    accept: float = 0.8,
    progress: Callable[[float], None] | None = None,
    about: Mapping[str, Any] | None = None,
    names: tuple[str, ...] | None = None,
) -> Posterior:
    """Draw from a posterior by NUTS (Hoffman & Gelman 2014, JMLR 15:1593–1623), as nutpie has it.

    Parameters
    ----------
    model : pm.Model or LogDensity
        What to sample. A PyMC model is compiled first.
    name : str
        Of the model.
    seed : int
        The same seed, version and machine give the same draws, however many cores there are.
    draws, tune : int
        Of each chain, and before them.
    chains : int
        Independent of one another.
    cores : int, optional
        Chains side by side; by default as many as there are processors for a PyMC model, and one after the other for
        functions of Python, which would wait for each other.
    accept : float
        Share of proposals to accept: nearer to 1 takes smaller steps, around corners of the posterior.
    progress : callable, optional
        Told the share of the draws that are there, now and then.
    about : mapping, optional
        Kept with the draws, see `Posterior.about`.
    names : tuple of str, optional
        Variables of a PyMC model to keep; all of them by default.

    Returns
    -------
    Posterior

    Raises
    ------
    KeyboardInterrupt
        Where sampling is interrupted: no part of it is returned.
    """
    import nutpie

    started = time.perf_counter()
    if isinstance(model, LogDensity):
        compiled: Any = _as_functions(model)
        at_once = 1
    else:
        compiled = nutpie.compile_pymc_model(model, var_names=names)
        at_once = min(chains, os.cpu_count() or 1)
    ready = time.perf_counter()
    # matrices are small: threads of their own would wait for each other
    with threadpool_limits(1, "blas"):
        running = nutpie.sample(
            compiled, draws=draws, tune=tune, chains=chains, cores=cores or at_once,
            seed=seed % 2**63, target_accept=accept, progress_bar=False, save_warmup=False, blocking=False,
            progress_callback=None if progress is None else _telling(progress),
        )  # fmt: skip
        try:
            found = running.wait()
        except KeyboardInterrupt:
            # nutpie.sample would hand back, after an interruption, what there is by then
            running.cancel()
            raise
    kept = set(names) if names is not None else None
    return Posterior(
        name, _trimmed(found, kept), dict(about or {}), ready - started, time.perf_counter() - ready
    )


def _telling(progress: Callable[[float], None]) -> Callable[[Any], None]:
    def tell(chains: Any) -> None:
        wanted = sum(chain.total_draws for chain in chains)
        progress(sum(chain.finished_draws for chain in chains) / max(wanted, 1))

    return tell


def _as_functions(density: LogDensity) -> Any:
    """A log density as nutpie takes functions."""
    from nutpie.compiled_pyfunc import from_pyfunc

    def start(seed: int) -> np.ndarray:
        point: np.ndarray = np.random.default_rng(seed).uniform(-_SPREAD, _SPREAD, density.size)
        return point

    def expand(x: np.ndarray) -> dict[str, np.ndarray]:
        return {
            name: np.ascontiguousarray(one, float) if np.ndim(one) else np.array(one, float)
            for name, one in density.expand(x).items()
        }

    names = list(density.shapes)
    return from_pyfunc(
        ndim=density.size,
        make_logp_fn=density.evaluate,
        make_expand_fn=lambda *_: expand,
        expanded_dtypes=[np.dtype("float64")] * len(names),
        expanded_shapes=[tuple(density.shapes[name]) for name in names],
        expanded_names=names,
        make_initial_point_fn=start,
    )


def _trimmed(tree: "xr.DataTree", kept: set[str] | None) -> "xr.DataTree":
    """The draws and what diagnostics need; nothing that tells one run of the same seed from another."""
    import xarray as xr

    posterior, stats = tree["posterior"].to_dataset(), tree["sample_stats"].to_dataset()
    posterior = posterior[sorted(str(v) for v in posterior.data_vars if kept is None or str(v) in kept)]
    stats = stats[[one for one in _STATS if one in stats]]
    chosen = {"posterior": posterior, "sample_stats": stats}
    return xr.DataTree.from_dict({at: one.drop_attrs(deep=True) for at, one in chosen.items()})


def prior_predictive(model: "pm.Model", draws: int, seed: int) -> "xr.Dataset":
    """Draw from the priors of a PyMC model: its variables and what they determine, before any count is seen.

    Parameters
    ----------
    model : pm.Model
        The model.
    draws : int
        How many.
    seed : int
        The same seed gives the same draws.

    Returns
    -------
    Dataset
        Of dimensions (chain, draw, …), with one chain.
    """
    import pymc as pm
    from pytensor.compile.mode import Mode

    # it names every variable on standard error; one that draws from priors alone has nothing to warn of there
    logging.getLogger("pymc.sampling.forward").setLevel(logging.WARNING)
    # some hundred evaluations of a small graph: compiling it would take longer
    plain = Mode(linker="py", optimizer="fast_compile")
    names = [one.name for one in (*model.free_RVs, *model.deterministics)]
    with warnings.catch_warnings():
        # a potential is a likelihood here, so that priors are drawn as they should be without it
        warnings.filterwarnings("ignore", message="The effect of Potentials", category=UserWarning)
        drawn = pm.sample_prior_predictive(
            draws, model=model, var_names=names, random_seed=seed % 2**32, compile_kwargs={"mode": plain}
        )
    found: xr.Dataset = drawn["prior"].to_dataset()
    return found
