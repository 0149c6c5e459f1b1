"""What can go wrong, said so that the reader knows what, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class StanceError(Exception):
    """Base of every error that a user can mend; the command line prints it and exits with code 2."""


class ConfigError(StanceError):
    """A config or a parameter is wrong."""


class DataError(StanceError):
    """A file of examples is missing, unreadable or holds a bad row."""


class ModelError(StanceError):
    """A model folder is missing, incomplete, changed or of another kind."""


class InputError(StanceError, ValueError):
    """What was given to a function is not what it takes."""


class MissingExtraError(StanceError, ImportError):
    """An optional dependency is not installed."""


class TruncationWarning(UserWarning):
    """A text was longer than the model reads; its end was left out."""


class MissingTextWarning(UserWarning):
    """Some stand-off labels have no text on this machine; the build went on without them."""


def nearest(word: str, candidates: Iterable[str]) -> str:
    """Return `'; did you mean "x"?'` for the candidate closest to `word`, or `''` where none is close."""
    by_folded = {candidate.lower(): candidate for candidate in candidates}
    close = difflib.get_close_matches(word.lower(), list(by_folded), n=1, cutoff=0.5)
    return f'; did you mean "{by_folded[close[0]]}"?' if close else ""


def missing_extra(package: str, extra: str) -> MissingExtraError:
    """Return the error for an optional `package` that the extra `extra` brings."""
    return MissingExtraError(f'this needs the package {package}: pip install "stancekit[{extra}]"')
