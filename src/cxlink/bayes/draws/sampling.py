"""Sampling from a posterior: the same seed gives the same draws, byte for byte.

nutpie samples a log density with its gradient in arrays, which needs no compiler; PyMC's own sampler samples a model as
PyMC writes it, compiled first.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from cxlink.cohort.errors import InputError

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr

NUTPIE, PYMC = "nutpie", "pymc"
SAMPLERS = (NUTPIE, PYMC)
"""Samplers: nutpie for densities on counts, PyMC for its own models."""
_STATS = ("diverging", "energy", "n_steps", "depth", "step_size", "logp")
_START_WIDTH = 0.5
Evaluate = Callable[[np.ndarray], tuple[float, np.ndarray]]


@dataclass(frozen=True, slots=True, eq=False)
class LogDensity:
    """A log posterior density as functions of arrays, with the quantities stored for each draw.

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
    """Draws from a posterior, with their coding.

    Attributes
    ----------
    name : str
        Of the model, as in the estimates table: ``bayes``, ``bayes_sbg``.
    tree : DataTree
        Groups ``posterior`` and ``sample_stats``, of dimensions (chain, draw, …).
    about : dict
        The frozen coding of levels, strata and cohorts that made it: what text can hold.
    seconds_sampling : float
        Wall time, compiling included.
    """

    name: str
    tree: "xr.DataTree"
    about: dict[str, Any] = field(default_factory=dict)
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


def sampler_named(name: str | None, *, bayes: bool) -> str:
    """Check the name of a sampler; nutpie by default.

    Raises
    ------
    InputError
        If there is no such sampler, or one is named and nothing is sampled.
    """
    if name is not None and name not in SAMPLERS:
        raise InputError(f"--sampler {name}: no such sampler. Choose {' or '.join(SAMPLERS)}.")
    if name is not None and not bayes:
        raise InputError(f"--sampler {name}: nothing is sampled without the Bayesian models. Add --bayes.")
    return name or NUTPIE


def sample(
    model: "LogDensity | pm.Model",
    name: str,
    *,
    seed: int,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    cores: int = 1,
    accept: float = 0.8,
    progress: Callable[[float], None] = lambda _: None,
    about: Mapping[str, Any] | None = None,
    names: tuple[str, ...] | None = None,
) -> Posterior:
    """Draw from a posterior by NUTS (Hoffman & Gelman 2014, JMLR 15:1593–1623).

    Parameters
    ----------
    model : LogDensity or pm.Model
        What to sample: a density by nutpie, a PyMC model by PyMC.
    name : str
        Of the model.
    seed : int
        The same seed, version and machine give the same draws, however many cores there are.
    draws, tune : int
        Of each chain, and before them.
    chains : int
        Independent of one another.
    cores : int
        Chains side by side; functions of Python would wait for each other, and each process compiles for itself.
    accept : float
        Share of proposals to accept: nearer to 1 takes smaller steps, around corners of the posterior.
    progress : callable
        Called now and then with the share of draws finished.
    about : mapping, optional
        Stored with the draws, see `Posterior.about`.
    names : tuple of str, optional
        Variables to keep; all of them by default.

    Returns
    -------
    Posterior

    Raises
    ------
    KeyboardInterrupt
        Where sampling is interrupted: no part of it is returned.
    """
    size = {"draws": draws, "tune": tune, "chains": chains, "cores": cores}
    by = _by_nutpie if isinstance(model, LogDensity) else _by_pymc
    started = time.perf_counter()
    # matrices are small: threads of their own would wait for each other
    with threadpool_limits(1, "blas"):
        tree = by(model, size, seed, accept, progress)
    seconds = time.perf_counter() - started
    return Posterior(name, _trimmed(tree, names), dict(about or {}), seconds)


def _by_nutpie(
    density: LogDensity, size: Mapping[str, Any], seed: int, accept: float, progress: Callable[[float], None]
) -> "xr.DataTree":
    import nutpie

    running = nutpie.sample(
        _as_functions(density), **size, seed=seed % 2**63, target_accept=accept,
        progress_bar=False, save_warmup=False, blocking=False, progress_callback=_callback(progress),
    )  # fmt: skip
    try:
        tree: xr.DataTree = running.wait()
    except KeyboardInterrupt:
        # nutpie.sample would hand back, after an interruption, what there is by then
        running.cancel()
        raise
    return tree


def _by_pymc(
    model: "pm.Model", size: Mapping[str, Any], seed: int, accept: float, progress: Callable[[float], None]
) -> "xr.DataTree":
    import pymc as pm

    n_all = size["chains"] * (size["draws"] + size["tune"])
    n_drawn = 0

    def count_draw(**_: Any) -> None:
        nonlocal n_drawn
        n_drawn += 1
        if n_drawn % max(n_all // 100, 1) == 0:
            progress(n_drawn / n_all)

    tree: xr.DataTree = pm.sample(
        model=model, **size, random_seed=seed % 2**32, nuts_sampler="pymc", target_accept=accept, quiet=True,
        compute_convergence_checks=False, callback=count_draw,
    )  # fmt: skip
    if n_drawn < n_all:
        # pm.sample hands back, after an interruption, what there is by then
        raise KeyboardInterrupt
    return tree


def _callback(progress: Callable[[float], None]) -> Callable[[Any], None]:
    def report(chains: Any) -> None:
        wanted = sum(chain.total_draws for chain in chains)
        progress(sum(chain.finished_draws for chain in chains) / max(wanted, 1))

    return report


def _as_functions(density: LogDensity) -> Any:
    """The log density in the form that nutpie needs."""
    from nutpie.compiled_pyfunc import from_pyfunc

    def start(seed: int) -> np.ndarray:
        point: np.ndarray = np.random.default_rng(seed).uniform(-_START_WIDTH, _START_WIDTH, density.size)
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


def _trimmed(tree: "xr.DataTree", names: tuple[str, ...] | None) -> "xr.DataTree":
    """The draws and sampler statistics, without attributes that differ between runs of one seed."""
    import xarray as xr

    posterior, stats = tree["posterior"].to_dataset(), tree["sample_stats"].to_dataset()
    posterior = posterior[sorted(str(v) for v in posterior.data_vars if names is None or str(v) in names)]
    stats = stats[[one for one in _STATS if one in stats]]
    chosen = {"posterior": posterior, "sample_stats": stats}
    return xr.DataTree.from_dict({at: one.drop_attrs(deep=True) for at, one in chosen.items()})
