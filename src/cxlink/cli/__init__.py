"""The command line."""

import sys


def main() -> None:
    """Run the command line; an interruption while it is loaded ends it as any later one does."""
    try:
        from cxlink.cli.commands import main as typed
    except KeyboardInterrupt:
        print("cxlink: interrupted.", file=sys.stderr)
        sys.exit(130)
    typed()
