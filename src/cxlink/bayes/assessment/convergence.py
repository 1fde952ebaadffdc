"""Whether a posterior can be relied on: did its chains agree, and does it stand on the prior or on the counts."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cxlink.bayes.priors import Prior
from cxlink.checks import Check

if TYPE_CHECKING:
    import xarray as xr

MOST_RHAT = 1.01
LEAST_ESS_A_CHAIN = 100
LEAST_BFMI = 0.3
MOST_SENSITIVE = 0.05
_UNKNOWN = ("", np.nan)


def convergence(tree: "xr.DataTree") -> tuple[Check, ...]:
    """Convergence of the sampling: R-hat, effective sample sizes, divergences, and energy.

    Parameters
    ----------
    tree : DataTree
        With ``posterior`` of dimensions (chain, draw, …), and ``sample_stats`` with ``diverging`` and ``energy``.

    Returns
    -------
    tuple of Check
        ``rhat``, ``ess_bulk``, ``ess_tail``, ``divergences``, ``bfmi``. A quantity that cannot be computed (one chain,
        or chains that never moved) is not ok.
    """
    import arviz_stats

    azs: Any = arviz_stats

    posterior = tree["posterior"].to_dataset()
    varying = _moving(posterior)
    chains, draws, moves = posterior.sizes["chain"], posterior.sizes["draw"], bool(varying.data_vars)
    least = LEAST_ESS_A_CHAIN * chains
    # without variation within chains the ratio has no value, which is what is then reported
    with np.errstate(invalid="ignore", divide="ignore"):
        rhat = _extreme(azs.rhat(varying, method="rank"), largest=True) if moves and chains > 1 else _UNKNOWN
        bulk, tail = (
            _extreme(azs.ess(varying, method=method), largest=False) if moves else _UNKNOWN
            for method in ("bulk", "tail")
        )
    stats = tree["sample_stats"].to_dataset()
    diverged = int(stats["diverging"].sum())
    bfmi = float(np.min(azs.bfmi(stats["energy"]).to_numpy()))
    counted = {"draws": chains * draws, "least_a_chain": LEAST_ESS_A_CHAIN}
    return (
        Check(
            "rhat", value=rhat[1], bound=MOST_RHAT, passed=bool(rhat[1] < MOST_RHAT), facts={"parameter": rhat[0]}
        ),
        *(
            Check(
                code, value=size[1], bound=float(least), passed=bool(size[1] > least),
                facts={"parameter": size[0], **counted},
            )
            for code, size in (("ess_bulk", bulk), ("ess_tail", tail))
        ),
        Check("divergences", value=float(diverged), bound=0.0, passed=diverged == 0, facts=counted),
        Check("bfmi", value=bfmi, bound=LEAST_BFMI, passed=bool(bfmi > LEAST_BFMI)),
    )  # fmt: skip


def _moving(variables: "xr.Dataset") -> "xr.Dataset":
    """Omit elements that are constant by construction: equal in all draws of all chains."""
    flat: dict[str, Any] = {}
    for name, values in variables.data_vars.items():
        columns = values.transpose("chain", "draw", ...).to_numpy().astype(float)
        columns = columns.reshape(*columns.shape[:2], -1)
        moves = np.ptp(columns, axis=(0, 1)) > 0
        if moves.any():
            flat[str(name)] = (("chain", "draw", f"{name}_at"), columns[:, :, moves])
    return type(variables)(flat)


def _extreme(statistic: "xr.Dataset", *, largest: bool) -> tuple[str, float]:
    """Name and value of the worst; NaN is the worst of all."""
    worst, of = -np.inf, ""
    for name, values in statistic.data_vars.items():
        signed = values.to_numpy().ravel() if largest else -values.to_numpy().ravel()
        at = np.inf if np.isnan(signed).any() else float(signed.max())
        if at > worst:
            worst, of = at, str(name)
    # an effective size or R-hat without a value is no number, not an infinite one
    unknown = any(np.isnan(one.to_numpy()).any() for one in statistic.data_vars.values())
    return of, np.nan if unknown else (worst if largest else -worst)


def thinned(tree: "xr.DataTree", most: int = 1000) -> "xr.DataTree":
    """Every k-th draw of each chain, at most ``most`` in all, for computations over all cells."""
    sizes = tree["posterior"].sizes
    step = max(-(-sizes["chain"] * sizes["draw"] // most), 1)
    return tree.isel(draw=slice(None, None, step))


def log_prior(tree: "xr.DataTree", priors: Mapping[str, Prior]) -> np.ndarray:
    """Log density, up to a constant, of the priors at each draw.

    Parameters
    ----------
    tree : DataTree
        A posterior.
    priors : dict of str to Prior
        Of its variables with fixed priors. Effects with an estimated standard deviation are left out, since scaling
        them too would scale the hierarchy twice (Kallioinen et al. 2024, section 2.4).

    Returns
    -------
    ndarray of shape (n_chains, n_draws)
    """
    posterior = tree["posterior"].to_dataset()
    total = np.zeros((posterior.sizes["chain"], posterior.sizes["draw"]))
    for name, prior in priors.items():
        x = posterior[name].transpose("chain", "draw", ...).to_numpy()
        total += prior.log_density(x.reshape(*total.shape, -1)).sum(axis=2)
    return total


def prior_sensitivity(
    quantities: Mapping[tuple[str, str], np.ndarray], prior: np.ndarray, likelihood: np.ndarray
) -> tuple[Check, ...]:
    """Sensitivity of quantities to the prior, or the likelihood, raised to a power near 1 (power-scaling).

    The sensitivity is the change of the posterior's distribution for each doubling of the power, taken at 0.99 and
    1.01 by importance sampling, with no new sampling (Kallioinen et al. 2024, doi 10.1007/s11222-023-10366-5).

    Parameters
    ----------
    quantities : mapping of (str, str) to ndarray of shape (n_chains, n_draws)
        What is reported, by group and reference (empty for a group by itself): sensitivities of parameters that
        nobody reads say little.
    prior, likelihood : ndarray of shape (n_chains, n_draws)
        Log density of the priors and of the counts at each draw.

    Returns
    -------
    tuple of Check
        ``prior_sensitivity`` and ``likelihood_sensitivity`` of each; the former is ok up to 0.05.
    """
    import arviz_stats
    import xarray as xr

    azs: Any = arviz_stats

    names = {pair: f"quantity_{k}" for k, pair in enumerate(quantities)}

    def grouped(columns: Mapping[str, np.ndarray]) -> "xr.Dataset":
        return xr.Dataset({name: (("chain", "draw"), values) for name, values in columns.items()})

    tree = xr.DataTree.from_dict(
        {
            "posterior": grouped({names[pair]: values for pair, values in quantities.items()}),
            "log_prior": grouped({"prior": prior}),
            "log_likelihood": grouped({"likelihood": likelihood}),
        }
    )
    by_prior, by_counts = (azs.psense(tree, group=group) for group in ("prior", "likelihood"))
    checks = []
    for (group, reference), name in names.items():
        weights, counts = float(by_prior[name]), float(by_counts[name])
        moved = weights >= MOST_SENSITIVE
        case = "conflict" if moved and counts >= MOST_SENSITIVE else "priors" if moved else "counts"
        checks += [
            Check(
                "prior_sensitivity", "", group, weights, bound=MOST_SENSITIVE, passed=bool(weights < MOST_SENSITIVE),
                facts={"case": case, "reference": reference},
            ),
            Check("likelihood_sensitivity", "", group, counts, facts={"reference": reference}),
        ]  # fmt: skip
    return tuple(checks)
