"""``python -m cxlink`` is the command line, where the folder of scripts is not on the path."""

from cxlink.cli import main

if __name__ == "__main__":
    main()
