"""The command line."""

from cxlink.cli.commands import main

__all__ = ["main"]
