"""The stored quantities of a posterior on unconstrained scales, and back: what a linear map of draws may move."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.special import softmax

from cxlink.bayes.draws.sampling import Posterior
from cxlink.bayes.models.hurdle_gamma import PARTS
from cxlink.bayes.priors import POLARISATION

Variables = dict[str, np.ndarray]
_LEAST = 1e-300


def unconstrained(posterior: Posterior) -> Variables:
    """Give every stored quantity where it may be any number, (n_draws, ...).

    Standard deviations and the gamma's shape are logarithms, increments of a monotone effect centred logarithms. What
    such an effect multiplies stands by its first and last level alone.
    """
    made = {str(name): posterior.draws(str(name)) for name in posterior.tree["posterior"].data_vars}
    made = {
        name: np.log(np.maximum(one, _LEAST)) if _is_positive(name) else one for name, one in made.items()
    }
    for rises, effect, centred in _monotone(made):
        logs = np.log(np.maximum(np.diff(made[rises], axis=-1) if centred else made[rises], _LEAST))
        ends = made[effect][:, :, [0, -1]]
        made[rises] = logs - logs.mean(axis=-1, keepdims=True)
        made[effect] = np.diff(ends, axis=2) if centred else ends
    return made


def constrained(posterior: Posterior, moved: Mapping[str, np.ndarray]) -> Posterior:
    """Give a posterior with quantities as `unconstrained` has them in place of its own."""
    made = {name: np.exp(one) if _is_positive(name) else one for name, one in moved.items()}
    for rises, effect, centred in _monotone(made):
        increments = softmax(made[rises], axis=-1)
        x = np.pad(np.cumsum(increments, axis=-1), ((0, 0), (1, 0)))
        x = x - x.mean(axis=-1, keepdims=True) if centred else x
        along = x[:, None, :, None]
        if centred:
            made[rises], made[effect] = x, made[effect] * along
        else:
            low, high = made[effect][:, :, :1], made[effect][:, :, 1:]
            made[rises], made[effect] = increments, low + (high - low) * along
    draws = posterior.tree["posterior"].to_dataset()
    for name, values in made.items():
        draws[name] = (draws[name].dims, values.reshape(draws[name].shape))
    tree = posterior.tree.copy()
    tree["posterior"].dataset = draws
    return replace(posterior, tree=tree)


def _is_positive(name: str) -> bool:
    return name.startswith("spread_") or name == "shape"


def _monotone(made: Mapping[str, np.ndarray]) -> list[tuple[str, str, bool]]:
    """What says how monotone effects rise, what they multiply, and whether that is centred: retention, and spend."""
    retention = [(f"position{after}", f"score{after}", True) for after in ("", POLARISATION)]
    spend = [(f"steps_{part}", part, False) for part in PARTS]
    return [one for one in (*retention, *spend) if one[0] in made]
