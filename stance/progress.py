"""A progress bar on stderr, where a person looks on."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any, Self, TypeVar

T = TypeVar("T")


def track(items: Iterable[T], description: str, total: int, minimum: int = 1) -> Iterator[T]:
    """Yield `items` behind a progress bar, if stderr is a terminal and there are more than `minimum`."""
    if total <= minimum or not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track as rich_track

    yield from rich_track(items, description=description, total=total, console=Console(stderr=True), transient=True)


class Meter:
    """A progress bar whose description changes as the work goes on; nothing where stderr is no terminal."""

    def __init__(self, description: str, total: int, done: int = 0) -> None:
        self._bar: Any = None
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task(description, total=total, completed=done)

    def describe(self, description: str) -> None:
        """Show another description."""
        if self._bar is not None:
            self._bar.update(self._task, description=description)

    def advance(self) -> None:
        """Count one more step as done."""
        if self._bar is not None:
            self._bar.advance(self._task)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
