"""Sessions of Spark, by their addresses: on this machine, on a cluster, or over Spark Connect."""

import logging
import re
import socket
import subprocess
from typing import Any

from cxlink.cohort.errors import InputError
from cxlink.cohort.read.spark_waiting import interruptible

_PLACE = re.compile(r"([^/:;,\[\]]+):([0-9]+)")
_CONNECT_PORT = 15002
_PATIENCE = 5.0
"""Seconds that a server may take to answer before it is said that none does; Spark itself would wait for minutes."""
_RETRIES = 5

_SETTINGS = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.decimalOperations.allowPrecisionLoss": "true",
}
"""What a count needs, whatever a server's own settings are."""


def spark_table(address: str, name: str) -> tuple[Any, Any, bool]:
    """Open a table of Spark.

    Parameters
    ----------
    address : str
        ``spark://HOST:PORT``, ``spark://local[2]`` (what follows ``spark://`` is the master), or ``sc://HOST:PORT``;
        with ``::FOLDER`` behind it for a Parquet file or folder.
    name : str
        Name of a table of the catalogue, with its schema where it is not the default one; or of a file.

    Returns
    -------
    engine : ibis backend
        Its session.
    rows : ibis Table
        The table.
    ours : bool
        Whether the session was started for it. One that the process has already is shared, and goes on.

    Raises
    ------
    InputError
        If the process has a session on another master.
    OSError
        If no server answers.
    """
    import ibis

    place, mark, folder = address.partition("::")
    session, ours = opened(place, name)
    try:
        engine = ibis.pyspark.connect(session, **_SETTINGS)
        path = f"{folder}/{name}" if mark else name
        in_file = mark or name.endswith(".parquet")
        rows = interruptible(  # a file's columns are read by a job
            session, lambda: _file(engine, path) if in_file else _listed(engine, name)
        )
    except BaseException:
        if ours:
            session.stop()
        raise
    return engine, rows, ours


def opened(place: str, name: str) -> tuple[Any, bool]:
    """Open a session, and say whether it was started here; see `spark_table`."""
    if place.startswith("sc://"):
        return _connected(place), True
    return _started(place.removeprefix("spark://"), name)


def _started(master: str, name: str) -> tuple[Any, bool]:
    """A session of this process on a master, and whether it was started for this table."""
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    logging.getLogger("SQLQueryContextLogger").disabled = True
    address = f"spark://{master}" if _PLACE.match(master) else master
    running = SparkContext._active_spark_context
    if running is not None:
        if running.master != address:
            raise InputError(f"{name}: this process has a session on another Spark. Stop it first.")
        return SparkSession(running).newSession(), False
    if address != master:
        _refuse_silence(_PLACE.findall(master))
    settings = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
    conf = (
        SparkConf(loadDefaults=False).setMaster(address).setAppName("cxlink").setAll(list(settings.items()))
    )
    # Java's warnings go straight to the terminal unless they lead nowhere
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    gateway = SparkContext._gateway or launch_gateway(conf, quiet)
    return SparkSession(SparkContext(conf=conf, gateway=gateway)), True


def _connected(place: str) -> Any:
    """A session over Spark Connect."""
    from pyspark.sql.connect.client.retries import DefaultPolicy
    from pyspark.sql.connect.session import SparkSession

    host, _, port = re.split(r"[/;]", place.removeprefix("sc://"))[0].partition(":")
    _refuse_silence([(host, port or str(_CONNECT_PORT))])
    logging.getLogger("SQLQueryContextLogger").disabled = True
    session = SparkSession.builder.remote(place).create()
    session.client.set_retry_policies([DefaultPolicy(max_retries=_RETRIES)])
    return session


def _refuse_silence(places: list[tuple[str, str]]) -> None:
    """Fail at once where no server answers at any of these places."""
    failed: OSError | None = None
    for host, port in places:
        try:
            socket.create_connection((host, int(port)), timeout=_PATIENCE).close()
        except OSError as error:
            failed = error
        else:
            return
    if failed is not None:
        raise failed


def _file(engine: Any, path: str) -> Any:
    from ibis.util import gen_name

    view = gen_name("file")
    engine._session.read.parquet(path).createOrReplaceTempView(view)
    return engine.table(view)


def _listed(engine: Any, name: str) -> Any:
    """A table of the catalogue."""
    schema, _, short = name.rpartition(".")
    return engine.table(short, database=schema or None)
