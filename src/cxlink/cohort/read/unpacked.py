"""Files as bytes, unpacked where they are compressed, and no further than a table of that size can be."""

import io
import lzma
import zipfile
from pathlib import Path
from typing import Any

from cxlink.cohort.errors import InputError

FREE = 256 << 20
"""Bytes that any file may unpack to."""
TIMES = 200
"""Beyond these, times its size; a CSV file of one value repeated reaches some hundred."""


class _Limited(io.RawIOBase):
    """A stream that refuses to unpack to more than a table is."""

    def __init__(self, stream: Any, file: Path) -> None:
        self._stream, self._name, self._so_far = stream, file.name, 0
        self._most = max(FREE, TIMES * file.stat().st_size)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        self._so_far += len(data)
        if self._so_far > self._most:
            raise InputError(
                f"{self._name}: unpacks to over {TIMES} times its size, as no table does. Unpack it, and give the file."
            )
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


def opened(file: Path) -> Any:
    """Open a text file as bytes, unpacked where it is compressed.

    Raises
    ------
    InputError
        If it is an archive of several files; on reading, if it unpacks to more than a table of its size can.
    """
    return io.BufferedReader(_Limited(_unpacked(file), file))


def _unpacked(file: Path) -> Any:
    import pyarrow as pa

    if file.suffix.lower() == ".xz":
        return lzma.open(file)
    if file.suffix.lower() != ".zip":
        return pa.input_stream(str(file), compression="detect")
    with zipfile.ZipFile(file) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__")]
        if len(names) != 1:
            raise InputError(f"{file.name}: holds {len(names)} files. Unpack it, and give the folder.")
        return archive.open(names[0])
