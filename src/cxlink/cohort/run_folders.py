"""Folders written whole under a temporary name, then renamed: never incomplete, and no finished work is lost."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress as suppress_errors
from itertools import count
from pathlib import Path

from cxlink.cohort.errors import InputError

RECORD = "run.json"
_FAULTS_OF_OUTPUT = {
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EFBIG, errno.ENAMETOOLONG,
    errno.ENOTDIR, errno.ENOENT, errno.ELOOP, errno.ESTALE, errno.EXDEV,
}  # fmt: skip
"""What an error of the system means where a folder is filled: the place is at fault, not the program."""


def refuse_existing(folder: Path, overwrite: bool) -> None:
    """Check that a folder may be written, before any work is done.

    Raises
    ------
    InputError
        If it exists (and with ``overwrite``, if it is anything but a run folder), its parent is no folder, or its name
        cannot be one.
    """
    try:
        _refuse(folder, overwrite)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{folder}: cannot be a folder ({reason}). Choose another --out.") from None


def _refuse(folder: Path, overwrite: bool) -> None:
    if "\0" in str(folder):
        raise ValueError("a NUL is in its name")
    _recover(folder)
    for parent in folder.parents:
        if parent.exists():
            if not parent.is_dir():
                raise InputError(f"{folder}: {parent.name} is a file, not a folder. Choose another --out.")
            break
    if not folder.exists() and not folder.is_symlink():
        return
    if not overwrite:
        raise InputError(f"{folder}: exists already. Choose another --out, or replace it with --overwrite.")
    if folder.is_symlink() or not (folder / RECORD).is_file():
        raise InputError(f"{folder}: not a run folder (it has no {RECORD}), so --overwrite leaves it alone.")


@contextmanager
def new_folder(folder: Path, overwrite: bool = False) -> Iterator[Path]:
    """Give a folder to fill, renamed to its final name once complete; after an error nothing is left.

    Parameters
    ----------
    folder : Path
        Its final name.
    overwrite : bool
        Replace a run folder of that name: the old one is renamed aside, the new one in, the old one removed.

    Raises
    ------
    InputError
        As `refuse_existing` does; if the place cannot be written to, or is full; or if another program put a folder
        there meanwhile: the full one then stands beside it, under a name that the message tells.
    """
    refuse_existing(folder, overwrite)
    partial = _beside(folder, "partial")
    made = [parent for parent in partial.parents if not parent.exists()]
    try:
        partial.mkdir(parents=True)
        yield partial
        _take_the_place(partial, folder, overwrite)
    except OSError as error:
        if error.errno not in _FAULTS_OF_OUTPUT or not _is_about(error, partial):
            raise
        raise InputError(f"{folder}: cannot be written ({os.strerror(error.errno)}).") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        for parent in made:
            with suppress_errors(OSError):
                parent.rmdir()  # only where nothing came into it


def _is_about(error: OSError, partial: Path) -> bool:
    """Whether an error of the system names the folder that is filled, or a place above it; or none at all."""
    name = error.filename
    if not isinstance(name, str | bytes):
        return True
    place = Path(os.fsdecode(name)).absolute()
    return place.is_relative_to(partial) or partial.is_relative_to(place)


def _take_the_place(partial: Path, folder: Path, overwrite: bool) -> None:
    """Rename a full folder to its name, an old one aside first; whatever happens, one of them is there."""
    aside = _beside(folder, "old")
    try:
        if overwrite and (folder / RECORD).is_file() and not folder.is_symlink():
            folder.rename(aside)
        elif os.path.lexists(folder):
            raise FileExistsError
        partial.rename(folder)
    except BaseException as error:
        if not os.path.lexists(folder):
            if aside.exists():
                aside.rename(folder)
            raise
        if not isinstance(error, OSError):
            raise
        kept = next(name for name in _free_names(folder) if not os.path.lexists(name))
        partial.rename(kept)
        raise InputError(
            f"{folder}: another program put something there meanwhile. This run is {kept}."
        ) from None
    finally:
        if os.path.lexists(folder):
            shutil.rmtree(aside, ignore_errors=True)


def _free_names(folder: Path) -> Iterator[Path]:
    return (folder.with_name(f"{folder.name}-{n}") for n in count(2))


def _beside(folder: Path, what: str) -> Path:
    return folder.absolute().parent / f".{folder.absolute().name}.{os.getpid()}.{what}"


def _recover(folder: Path) -> None:
    """Clear up after a program that was killed: remove its partial folder, put an old one back that it moved aside."""
    parent, name = folder.absolute().parent, folder.absolute().name
    if not parent.is_dir():
        return
    for left in parent.glob(f".{name}.*.*"):
        pid, _, what = left.name.removeprefix(f".{name}.").partition(".")
        if not pid.isdigit() or what not in ("partial", "old") or _alive(int(pid)):
            continue
        if what == "old" and not folder.exists():
            left.rename(folder)
        else:
            shutil.rmtree(left, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
