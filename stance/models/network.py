"""A pretrained transformer under a linear head, and which of its weights are trained."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from stance.errors import ConfigError
from stance.models.base import Pooling, Trained


class StanceNetwork(nn.Module):
    """Logits of the labels for rows of tokens.

    Parameters
    ----------
    backbone : PreTrainedModel
        Encoder or decoder; gives `last_hidden_state`.
    pooling : str
        See `Pooling`.
    classes : int
        How many labels.
    dropout : float in [0, 1)
        Before the head.
    segments : bool
        Tell a backbone that knows two segments (BERT) which tokens are the text's.
    """

    def __init__(self, backbone: Any, pooling: Pooling, classes: int, dropout: float, segments: bool) -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling = pooling
        self.segments = segments and int(getattr(backbone.config, "type_vocab_size", 0)) > 1
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(int(backbone.config.hidden_size) * len(pooling.split("+")), classes)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, ids: Tensor, mask: Tensor, span: Tensor) -> Tensor:
        """Return logits, shape (n, classes); all arguments have shape (n, tokens), see `stance.models.prompts.pad`."""
        return self.classify(self.encode(ids, mask, span), mask, span)

    def encode(self, ids: Tensor, mask: Tensor, span: Tensor) -> Tensor:
        """Return the backbone's last layer, shape (n, tokens, dimension)."""
        kinds = {"token_type_ids": span} if self.segments else {}
        hidden: Tensor = self.backbone(input_ids=ids, attention_mask=mask, **kinds).last_hidden_state
        return hidden

    def classify(self, hidden: Tensor, mask: Tensor, span: Tensor) -> Tensor:
        """Pool the last layer and return logits."""
        hidden = hidden.float()
        parts = []
        for name in self.pooling.split("+"):
            if name == "first":
                parts.append(hidden[:, 0])
            elif name == "last":
                last = (mask.sum(1) - 1)[:, None, None].expand(-1, 1, hidden.shape[2])
                parts.append(hidden.gather(1, last).squeeze(1))
            else:
                weights = (mask if name == "mean" else span)[:, :, None].to(hidden.dtype)
                parts.append((hidden * weights).sum(1) / weights.sum(1).clamp(min=1))
        logits: Tensor = self.head(self.dropout(torch.cat(parts, dim=1)))
        return logits


class FrozenBelow:
    """The frozen lower layers of a decoder, run once a row, so that each epoch pays for the upper layers alone.

    Parameters
    ----------
    network : StanceNetwork
        Whose backbone has `layers` and `norm`, as Llama and its kin do.
    layers : int
        How many layers lie below the lowest trained one.
    """

    def __init__(self, network: StanceNetwork, layers: int) -> None:
        self.network = network
        self.layers = layers

    @staticmethod
    def applies(network: StanceNetwork) -> bool:
        """Return whether the backbone is one whose layers can be run apart."""
        backbone = network.backbone
        return isinstance(getattr(backbone, "layers", None), nn.ModuleList) and hasattr(backbone, "norm")

    def lower(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the output of the frozen layers, shape (n, tokens, dimension)."""
        with self._only(slice(0, self.layers), nn.Identity()):
            output = self.network.backbone(input_ids=ids, attention_mask=mask, use_cache=False)
        hidden: Tensor = output.last_hidden_state
        return hidden

    def logits(self, hidden: Tensor, mask: Tensor, span: Tensor) -> Tensor:
        """Return logits from what `lower` gave."""
        with self._only(slice(self.layers, None), self.network.backbone.norm):
            last = self.network.backbone(inputs_embeds=hidden, attention_mask=mask, use_cache=False).last_hidden_state
        return self.network.classify(last, mask, span)

    @contextlib.contextmanager
    def _only(self, part: slice, norm: nn.Module) -> Iterator[None]:
        backbone = self.network.backbone
        layers, own = backbone.layers, backbone.norm
        backbone.layers, backbone.norm = nn.ModuleList(layers[part]), norm
        try:
            yield
        finally:
            backbone.layers, backbone.norm = layers, own


def choose_trained(
    network: StanceNetwork, trained: Trained, top_layers: int | None, rank: int, alpha: int, dropout: float
) -> int:
    """Freeze all but the head and what `trained` says, and return how many of the lowest layers are frozen.

    Parameters
    ----------
    network : StanceNetwork
    trained : "whole", "layers" or "lora"
        Every weight; the upper layers; or low-rank additions to the upper layers' linear maps (Hu et al., "LoRA",
        ICLR 2022), by the package peft.
    top_layers : int or None
        How many layers count as upper; all where None.
    rank, alpha, dropout : int, int, float
        Of LoRA.

    Raises
    ------
    ConfigError
        The backbone has fewer layers.
    """
    backbone = network.backbone
    if trained == "whole":
        if getattr(backbone, "pooler", None) is not None:  # BERT's, which nothing here reads
            backbone.pooler.requires_grad_(False)
        return 0
    stack = max((m for m in backbone.modules() if isinstance(m, nn.ModuleList)), key=len)
    top = len(stack) if top_layers is None else top_layers
    if top > len(stack):
        raise ConfigError(f"model.top_layers: the backbone has {len(stack)} layers, not {top}")
    frozen = len(stack) - top
    upper = list(stack[frozen:])
    backbone.requires_grad_(False)
    if trained == "layers":
        for layer in upper:
            layer.requires_grad_(True)
        return frozen
    from peft import LoraConfig, inject_adapter_in_model

    names = {id(module): name for name, module in backbone.named_modules()}
    linear = [names[id(m)] for layer in upper for m in layer.modules() if isinstance(m, nn.Linear)]
    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=linear), backbone)
    return frozen


def trained_weights(network: StanceNetwork) -> dict[str, Tensor]:
    """Return the weights that training changes, by name."""
    return {name: weight for name, weight in network.named_parameters() if weight.requires_grad}


def merge(network: StanceNetwork, weights: dict[str, Tensor], scale: float) -> None:
    """Put trained weights into a fresh network; pairs of low rank, A and B, are added as scale * B A.

    Raises
    ------
    KeyError, ValueError
        A name or a shape is not the network's.
    """
    own = dict(network.named_parameters())
    with torch.no_grad():
        for name, weight in weights.items():
            if ".lora_B." in name:
                continue
            if ".lora_A." in name:
                base = own[name.split(".lora_A.")[0] + ".weight"]
                change = scale * (weights[name.replace(".lora_A.", ".lora_B.")] @ weight)
                if change.shape != base.shape:
                    raise ValueError(f"{name} has another shape")
                base.add_(change)
            else:
                if own[name].shape != weight.shape:
                    raise ValueError(f"{name} has another shape")
                own[name].copy_(weight)


def to_low_rank(network: StanceNetwork, weights: dict[str, Tensor], rank: int, scale: float) -> dict[str, Tensor]:
    """Return trained weights with each matrix' change replaced by its best approximation of that rank.

    A truncated singular value decomposition (Eckart and Young, 1936) of what training added to the backbone, written
    as a pair that `merge` adds; vectors and the head stay as they are.

    Parameters
    ----------
    network : StanceNetwork
        With the backbone as it was before training.
    weights : dict of str to Tensor
        What training made of them.
    rank : int
    scale : float
        By which `merge` multiplies the pairs.
    """
    own = dict(network.named_parameters())
    kept = {}
    for name, weight in weights.items():
        if weight.ndim < 2 or name.startswith("head.") or rank >= min(weight.shape):
            kept[name] = weight
            continue
        left, values, right = torch.linalg.svd(weight - own[name].detach(), full_matrices=False)
        root = (values[:rank] / scale).sqrt()
        stem = name.removesuffix(".weight")
        kept[f"{stem}.lora_A.default.weight"] = root[:, None] * right[:rank]
        kept[f"{stem}.lora_B.default.weight"] = left[:, :rank] * root
    return kept
