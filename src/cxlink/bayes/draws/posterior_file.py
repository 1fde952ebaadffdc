"""Posteriors in a file: draws with their coding, for new estimands without new sampling."""

import json
from collections.abc import Mapping
from pathlib import Path

from cxlink.bayes.draws.sampling import Posterior
from cxlink.cohort.errors import InputError

FORMAT = 1
_ABOUT = "cxlink"


def save_posteriors(posteriors: Mapping[str, Posterior], path: Path) -> None:
    """Write posteriors as one netCDF file, a group each; the same draws make the same file.

    Parameters
    ----------
    posteriors : mapping of str to Posterior
        By what each is called: ``bayes``, ``bayes_sbg``, ``bayes_spend``.
    path : Path
        Where.
    """
    import xarray as xr

    about = {key: {"model": one.name, "about": one.about} for key, one in posteriors.items()}
    tree = xr.DataTree(children={key: one.tree.copy() for key, one in posteriors.items()})
    tree.attrs[_ABOUT] = json.dumps({"format": FORMAT, "posteriors": about}, ensure_ascii=False)
    tree.to_netcdf(path, engine="h5netcdf")


def load_posteriors(path: Path | str) -> dict[str, Posterior]:
    """Read posteriors back.

    Raises
    ------
    InputError
        If the file holds no posteriors that this version reads.
    """
    import xarray as xr

    name = Path(path).name
    try:
        with xr.open_datatree(path, engine="h5netcdf") as opened:
            tree = opened.load()
        written = json.loads(tree.attrs.pop(_ABOUT))
        stored = written["format"]
    except FileNotFoundError:
        raise InputError(f"{name}: no such file.") from None
    except (OSError, KeyError, TypeError, ValueError):
        raise InputError(
            f"{name}: not a posterior. `cxlink fit --bayes` writes one as posterior.nc."
        ) from None
    if stored != FORMAT:
        raise InputError(
            f"{name}: a posterior of format {stored}; this version reads {FORMAT}. Fit the cohort again with --bayes."
        )
    return {
        key: Posterior(one["model"], tree.children[key].copy(), one["about"])
        for key, one in written["posteriors"].items()
    }
