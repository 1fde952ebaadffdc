"""A pool of processes that is this process, where what a test patches is seen."""


class OneProcess:
    """A pool that works in this process, where what is patched is seen."""

    def __init__(self, workers: int) -> None:
        assert workers == 1

    def __enter__(self) -> "OneProcess":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def submit(self, work: object, *given: object) -> "OneProcess":
        assert callable(work)
        work(*given)
        return OneProcess(1)

    def result(self) -> None:
        return None
