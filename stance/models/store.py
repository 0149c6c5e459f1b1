"""Folders of models: written whole or not at all, checked before anything in them is read."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from stance.errors import ModelError

MANIFEST = "manifest.json"
CARD = "README.md"
"""The card is for people to edit, so it alone may change without the folder being refused."""


Content = Literal["run", "model", "dataset"]


@contextlib.contextmanager
def new_folder(path: Path, content: Content) -> Iterator[Path]:
    """Give a hidden folder beside `path` to write into, and rename it to `path` at the end.

    An earlier folder of the same `content`, with no file but its own, is replaced; anything else that stands there
    is left alone. If the block fails, nothing remains.

    Raises
    ------
    ModelError
        `path` is a file or a folder of other content, or its parent cannot be written.
    """
    shown, path = path, path.absolute()
    if path.is_symlink() or (path.exists() and not _is_replaceable(path, content)):
        raise ModelError(f"{shown} exists and is not a {content} of stancekit; name another folder or move it away")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise ModelError(f"cannot write to {path.parent}: {error.strerror}; name a folder you may write") from None
    try:
        work.chmod(0o755)
        yield work
        if path.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{path.name}.old.", dir=path.parent))
            path.rename(old / path.name)
            try:
                work.rename(path)
            except BaseException:
                (old / path.name).rename(path)
                old.rmdir()
                raise
            shutil.rmtree(old, ignore_errors=True)
        else:
            work.rename(path)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def write_file(path: Path, text: str) -> None:
    """Write `text` beside `path` and rename it there, so that no half-written file is ever seen.

    Raises
    ------
    ModelError
        The folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            file.write(text)
        Path(file.name).chmod(0o644)
        try:
            Path(file.name).replace(path)
        except OSError:
            Path(file.name).unlink()
            raise
    except OSError as error:
        raise ModelError(f"cannot write {path}: {error.strerror}; name a folder you may write") from None


def write_manifest(folder: Path, facts: dict[str, Any], content: Content) -> None:
    """Write the sha256 of every file in `folder` but the card, together with `facts` and what it contains."""
    files = {name: sha256(folder / name) for name in _files(folder) if name not in {MANIFEST, CARD}}
    text = json.dumps({**facts, "content": content, "files": files}, indent=2, ensure_ascii=False)
    write_file(folder / MANIFEST, text + "\n")


def check_manifest(folder: Path) -> dict[str, Any]:
    """Check every file of a model folder against its manifest and return the manifest.

    Raises
    ------
    ModelError
        The folder or its manifest is missing, or a file is missing, changed, a link, or not in the manifest.
    """
    if not folder.is_dir():
        raise ModelError(f"no model folder {folder}; train one with: stance train configs/linear.yaml")
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = manifest["files"]
        listed = {str(name): str(digest) for name, digest in files.items()}
    except FileNotFoundError:
        raise ModelError(f"{folder} is not a model folder: it has no {MANIFEST}") from None
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError):
        raise ModelError(f"{folder / MANIFEST} is damaged; train or download the model again") from None
    again = "train or download the model again"
    for name, digest in listed.items():
        file = folder / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ModelError(f'{folder / MANIFEST} names "{name}", a file outside the folder; do not use this model')
        if not file.is_file():
            raise ModelError(f"{file} is missing; {again}")
        if file.is_symlink() or any(parent.is_symlink() for parent in file.parents if folder in parent.parents):
            raise ModelError(f"{file} is a link, and links are not followed; {again}")
        if sha256(file) != digest:
            raise ModelError(f"{file} is not the file that was saved (its sha256 differs); {again}")
    for name in _files(folder):
        if name not in listed and name not in {MANIFEST, CARD}:
            raise ModelError(f"{folder / name} is not in the manifest; remove it, or {again}")
    if not isinstance(manifest.get("kind"), str):
        raise ModelError(f"{folder / MANIFEST} names no kind of model; {again}")
    return dict(manifest)


def save_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]], facts: Mapping[str, Any]) -> None:
    """Write arrays and JSON-able facts as one safetensors file, which can hold no code."""
    from safetensors.numpy import save_file

    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    save_file(whole, path, metadata={"facts": json.dumps(facts, sort_keys=True)})
    path.chmod(0o644)


def load_arrays(path: Path) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """Read what `save_arrays` wrote.

    Raises
    ------
    ModelError
        The file is missing or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            facts = json.loads((file.metadata() or {})["facts"])
            return {name: file.get_tensor(name) for name in file.keys()}, facts  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise ModelError(f"{path} cannot be read ({error}); train or download the model again") from None


def sha256(path: Path) -> str:
    """Return the file's sha256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_replaceable(path: Path, content: Content) -> bool:
    if not path.is_dir():
        return False
    if not any(path.iterdir()):
        return True
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        return manifest["content"] == content and set(_files(path)) <= {*manifest["files"], MANIFEST, CARD}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _files(folder: Path) -> list[str]:
    found = []
    for root, _, names in os.walk(folder):
        found += [(Path(root) / name).relative_to(folder).as_posix() for name in names]
    return sorted(found)
