"""Reports without the time that drawing takes, for what is not about pictures."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

EMPTY = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 630 240"/>'


@contextmanager
def unpictured() -> Iterator[None]:
    """Write reports with empty pictures: drawing takes a third of the time of a run."""
    from cxlink.report.figures import drawing

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "svg", lambda _: EMPTY)
        yield
