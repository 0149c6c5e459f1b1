"""A progress bar on stderr, where a person looks on."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def track(items: Iterable[T], description: str, total: int, minimum: int = 1) -> Iterator[T]:
    """Yield `items` behind a progress bar, if stderr is a terminal and there are more than `minimum`."""
    if total <= minimum or not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track as rich_track

    yield from rich_track(items, description=description, total=total, console=Console(stderr=True), transient=True)
