"""The notebook for a new cohort, run from the command line: parameters in, an executed notebook out."""

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cxlink.cohort.addresses import is_address, parted
from cxlink.cohort.errors import InputError

_ADDRESS = "CXLINK_ADDRESS"
"""Variable of the environment that holds a table's address while a notebook runs."""
NEW_COHORT = Path(__file__).parent / "notebooks" / "11_report.ipynb"


def run_notebook(
    parameters: Mapping[str, Any], executed: Path, overwrite: bool = False, notebook: Path = NEW_COHORT
) -> None:
    """Run a notebook with parameters, and save it with its output; whole or not at all.

    Parameters
    ----------
    parameters : mapping of str to value
        Values that override its cell tagged ``parameters``. Where ``table`` is an address, the notebook is given the
        name of an environment variable in its place, which it has while it runs: a notebook is kept.
    executed : Path
        Where the executed notebook goes; folders on the way to it are made.
    overwrite : bool
        Replace an existing file.
    notebook : Path
        Which; ``11_report`` of the course by default.

    Raises
    ------
    InputError
        If the notebook is not there or has no such parameter, if ``executed`` exists, or as the notebook's own cells
        raise it.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError

    if not notebook.is_file():
        raise InputError(f"{notebook}: no such notebook.")
    if executed.exists() and not overwrite:
        raise InputError(f"{executed}: exists already. Choose another --out, or replace it with --overwrite.")
    defined = papermill.inspect_notebook(str(notebook))
    undefined = sorted(set(parameters) - set(defined))
    if undefined:
        raise InputError(
            f"{notebook.name}: no parameter {', '.join(undefined)}. It has: {', '.join(defined)}."
        )
    parameters, variables = _without_address(parameters)
    partial = executed.with_name(f".{executed.name}.{os.getpid()}.partial.ipynb")
    absent = [folder for folder in executed.parents if not folder.exists()]
    try:
        executed.parent.mkdir(parents=True, exist_ok=True)
        os.environ.update(variables)
        papermill.execute_notebook(
            str(notebook),
            str(partial),
            parameters=json.loads(json.dumps(dict(parameters))),
            progress_bar=False,
            log_output=False,
            extra_arguments=["--log-level=ERROR"],  # not that its kernel listens on this machine unencrypted
        )
        partial.rename(executed)
    except PapermillExecutionError as error:
        if error.ename == InputError.__name__:
            raise InputError(str(error.evalue)) from None
        raise
    except OSError as error:
        raise InputError(f"{executed}: cannot be written ({error.strerror or error}).") from None
    finally:
        for name in variables:
            os.environ.pop(name, None)
        with contextlib.suppress(OSError):
            partial.unlink()
        with contextlib.suppress(OSError):  # one that something stands in by now stays
            for folder in absent:
                folder.rmdir()


def _without_address(parameters: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Parameters with the name of a variable for the table's address, and what the variable holds."""
    table = str(parameters.get("table", ""))
    if not is_address(table):
        return dict(parameters), {}
    address, name = parted(table)
    return {**parameters, "table": f"${_ADDRESS}::{name}"}, {_ADDRESS: address}
