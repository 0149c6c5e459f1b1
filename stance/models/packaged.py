"""The models that come with the package: found ready, or made once from an adapter and its public backbone."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from stance.errors import MissingExtraError, ModelError
from stance.models.store import MANIFEST, sha256

PACKAGED = ("small", "large")
_FOLDER = Path(__file__).parent.parent / "packaged"
_log = logging.getLogger("stance.models")


def find_packaged(name: str) -> Path:
    """Return the folder of a packaged model as int8 ONNX graph.

    A wheel carries the small one whole. Where the package holds the adapter alone, as in a clone, the graph is made at
    the first use, in the user's cache folder (`cache_folder`), and found there from then on.

    Parameters
    ----------
    name : "small" or "large"

    Raises
    ------
    ModelError
        This installation does not carry the model, or the backbone is nowhere.
    MissingExtraError
        The graph has to be made, and torch or another package that this takes is not installed.
    """
    ready = _FOLDER / f"{name}-int8"
    if (ready / MANIFEST).is_file():
        return ready
    adapter = _FOLDER / name
    if not (adapter / MANIFEST).is_file():
        raise ModelError(
            f'this installation does not carry the model "{name}"; '
            f"train one with: stance train configs/{'large' if name == 'large' else 'transformer'}.yaml"
        )
    made = cache_folder() / f"{name}-{sha256(adapter / MANIFEST)[:16]}"
    if not (made / MANIFEST).is_file():
        _make(adapter, made)
    return made


def cache_folder() -> Path:
    """Return where made models are kept: $STANCEKIT_CACHE, or `stancekit` in the user's cache folder."""
    if own := os.environ.get("STANCEKIT_CACHE"):
        return Path(own)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home()) / "stancekit"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "stancekit"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stancekit"


def _make(adapter: Path, out: Path) -> None:
    from stance.models.export import export_folder

    _log.info("making the %s model in %s, this once", adapter.name, out)
    try:
        export_folder(adapter, out, "int8")
    except MissingExtraError as error:
        raise MissingExtraError(
            f"the {adapter.name} model is made at its first use, and {error}; or install a wheel that carries it"
        ) from None
