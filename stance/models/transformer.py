"""A pretrained transformer, fine-tuned whole, in its upper layers or by LoRA."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import check_is_fitted

from stance.errors import ModelError
from stance.models.base import (
    ClassWeight,
    Pooling,
    PositiveFloat,
    RandomState,
    StanceClassifier,
    Support,
    Trained,
    check_parameters,
)
from stance.models.encoders import DEFAULT_ENCODER, find_encoder, load_backbone, weights_digest
from stance.models.inputs import Inputs, Probabilities, as_inputs
from stance.models.prompts import DECODER_PROMPT, ENCODER_PROMPT, Prompt, Row, by_length, pad
from stance.models.store import load_arrays, save_arrays
from stance.progress import track

if TYPE_CHECKING:
    from stance.models.network import StanceNetwork

_FILE = "transformer.safetensors"
_Share = Annotated[float, Field(ge=0, lt=1)]


class TransformerClassifier(StanceClassifier):
    """A transformer reads target, context and text in one row; a linear head over its last layer gives the label.

    Only the weights that training changed are saved, in half precision; the backbone is named and its weights'
    sha256 noted, and loading refuses any other.

    Parameters
    ----------
    backbone : str, default="sentence-transformers/all-MiniLM-L6-v2"
        Encoder or decoder: a folder, GGUF file or hub name, see `stance.models.encoders.find_encoder`.
    prompt : str or None, default=None
        How a row is written, see `stance.models.prompts.Prompt`; None: "[CLS] {target} [SEP] {context} {text} [SEP]"
        for encoders, "{context}\\nTarget: {target}\\nStatement: {text}\\nStance:" for decoders.
    pooling : "mean", "text", "first", "last", "text+last", "mean+last" or "first+text", default="text"
        What stands for the row: see `stance.models.base.Pooling`.
    segments : bool, default=True
        Mark the text's tokens as the second segment, for backbones that know segments.
    trained : "whole", "layers" or "lora", default="whole"
        Which weights are trained: all; the upper layers'; low-rank additions to the upper layers.
    top_layers : int >= 1 or None, default=None
        How many layers count as upper; all where None.
    rank, alpha, lora_dropout : int, int, float, default=16, 32, 0.05
        Of LoRA.
    learning_rate, head_learning_rate : float > 0, default=1e-4, 1e-3
        Peaks; warmed up and then lowered to 0 in straight lines.
    epochs : float > 0, default=4
    batch_size : int >= 1, default=16
    warmup : float in [0, 1), default=0.1
        Share of the steps.
    weight_decay : float >= 0, default=0.01
    dropout : float in [0, 1), default=0.1
        Before the head.
    label_smoothing : float in [0, 1), default=0.0
    class_weight : "balanced", dict of label to float, or None, default=None
        "balanced" weighs each label by the inverse of its frequency.
    averaging : float in [0, 1), default=0.0
        The weights kept are a running average that forgets at this rate a step (0: the last weights).
    teacher : list of str or None, default=None
        Run folders of models whose mean probabilities are learned beside the labels (Hinton et al., "Distilling the
        knowledge in a neural network", 2015).
    teacher_weight : float in [0, 1], default=0.5
        The teacher's share of the goal.
    patience : int >= 1, default=4
        Stop after so many checks without a higher macro-F1 on validation; the best weights are kept.
    checks : int >= 1, default=2
        How often an epoch validation is measured and a checkpoint written.
    max_tokens : int in [16, 8192], default=256
        Longer rows are cut: the context first, then the text, never the target.
    precision : "auto", "fp32" or "bf16", default="auto"
        Of training; auto takes bf16 where the hardware computes in it.
    random_state : int or None, default=None
        Of the head's first weights, the order and dropout; None is 0.

    Attributes
    ----------
    history_ : list of dict
        Step, epoch, loss and validation macro-F1 at each check.
    """

    kind: ClassVar[str] = "transformer"

    def __init__(
        self,
        *,
        backbone: Annotated[str, Field(min_length=1)] = DEFAULT_ENCODER,
        prompt: str | None = None,
        pooling: Pooling = "text",
        segments: bool = True,
        trained: Trained = "whole",
        top_layers: Annotated[int, Field(ge=1)] | None = None,
        rank: Annotated[int, Field(ge=1, le=512)] = 16,
        alpha: Annotated[int, Field(ge=1)] = 32,
        lora_dropout: _Share = 0.05,
        learning_rate: PositiveFloat = 1e-4,
        head_learning_rate: PositiveFloat = 1e-3,
        epochs: PositiveFloat = 4.0,
        batch_size: Annotated[int, Field(ge=1)] = 16,
        warmup: _Share = 0.1,
        weight_decay: Annotated[float, Field(ge=0)] = 0.01,
        dropout: _Share = 0.1,
        label_smoothing: _Share = 0.0,
        class_weight: ClassWeight = None,
        averaging: _Share = 0.0,
        teacher: list[str] | None = None,
        teacher_weight: Annotated[float, Field(ge=0, le=1)] = 0.5,
        patience: Annotated[int, Field(ge=1)] = 4,
        checks: Annotated[int, Field(ge=1)] = 2,
        max_tokens: Annotated[int, Field(ge=16, le=8192)] = 256,
        precision: Literal["auto", "fp32", "bf16"] = "auto",
        random_state: RandomState = None,
    ) -> None:
        self.backbone = backbone
        self.prompt = prompt
        self.pooling = pooling
        self.segments = segments
        self.trained = trained
        self.top_layers = top_layers
        self.rank = rank
        self.alpha = alpha
        self.lora_dropout = lora_dropout
        self.learning_rate = learning_rate
        self.head_learning_rate = head_learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.warmup = warmup
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.averaging = averaging
        self.teacher = teacher
        self.teacher_weight = teacher_weight
        self.patience = patience
        self.checks = checks
        self.max_tokens = max_tokens
        self.precision = precision
        self.random_state = random_state

    def _fit(self, inputs: Inputs, y: npt.NDArray[Any], support: Support) -> None:
        import torch

        from stance.models.finetuning import Finetuning, Recipe
        from stance.models.network import choose_trained, trained_weights

        path = find_encoder(self.backbone)
        self.digest_ = weights_digest(path)
        self.head_classes_ = np.unique(y)
        seed = self.random_state or 0
        torch.manual_seed(seed)
        network, prompt = self._build(path)
        frozen = choose_trained(network, self.trained, self.top_layers, self.rank, self.alpha, self.lora_dropout)
        goals = self._goals(inputs, y)
        recipe = Recipe(
            **{name: getattr(self, name) for name in Recipe.__dataclass_fields__ if name != "seed"}, seed=seed
        )
        training = Finetuning(
            network,
            frozen,
            prompt.rows(inputs),
            goals,
            self._validation(prompt, support),
            recipe,
            support.checkpoints,
            self._fingerprint(inputs, goals),
        )
        self.history_ = training.run().history
        # rounded as they are saved, so that a loaded model gives the very same probabilities
        weights = {name: weight.detach().half().numpy() for name, weight in trained_weights(network).items()}
        self._assemble(path, weights)

    def _build(self, path: Path) -> tuple[StanceNetwork, Prompt]:
        from stance.models.network import StanceNetwork

        tokenizer, backbone = load_backbone(path)
        # an encoder's row ends with a separator, a decoder has none
        template = self.prompt or (ENCODER_PROMPT if tokenizer.sep_token else DECODER_PROMPT)
        longest = min(self.max_tokens, int(backbone.config.max_position_embeddings))
        prompt = Prompt(template, tokenizer.backend_tokenizer, longest)
        return StanceNetwork(backbone, self.pooling, len(self.head_classes_), self.dropout, self.segments), prompt

    def _assemble(self, path: Path, weights: dict[str, npt.NDArray[Any]]) -> None:
        """Make the network that predicts from the backbone and the trained weights."""
        import torch

        from stance.models.network import merge

        self.weights_ = weights
        self.network_, self.prompt_ = self._build(path)
        merge(self.network_, {name: torch.from_numpy(w).float() for name, w in weights.items()}, self.alpha / self.rank)
        self.network_.eval()

    def compressed(self, rank: int) -> TransformerClassifier:
        """Return a copy whose changed matrices are changes of low rank: a small file at a small loss.

        Parameters
        ----------
        rank : int >= 1
            Of each change, see `stance.models.network.to_low_rank`.
        """
        import torch

        from stance.models.network import to_low_rank

        check_is_fitted(self)
        copy = type(self)(**self.get_params())
        for name in ("classes_", "head_classes_", "digest_", "history_"):
            setattr(copy, name, getattr(self, name))
        path = find_encoder(self.backbone, self.digest_)
        weights = {name: torch.from_numpy(weight).float() for name, weight in self.weights_.items()}
        pairs = to_low_rank(copy._build(path)[0], weights, rank, self.alpha / self.rank)
        copy._assemble(path, {name: weight.half().numpy() for name, weight in pairs.items()})
        return copy

    def _validation(self, prompt: Prompt, support: Support) -> tuple[list[Row], npt.NDArray[np.intp]] | None:
        if not support.validation:
            return None
        inputs, labels = support.validation
        place = {label: column for column, label in enumerate(self.head_classes_.tolist())}
        known = [number for number, label in enumerate(labels) if label in place]
        if not known:
            return None
        return prompt.rows(inputs.take(known)), np.array([place[labels[number]] for number in known], dtype=np.intp)

    def _goals(self, inputs: Inputs, y: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Return what each row is to give: smoothed label and teachers' probabilities, times the label's weight."""
        columns = np.searchsorted(self.head_classes_, y)
        goals = np.eye(len(self.head_classes_))[columns]
        goals = goals * (1 - self.label_smoothing) + self.label_smoothing / goals.shape[1]
        if self.teacher:
            goals = (1 - self.teacher_weight) * goals + self.teacher_weight * self._ask_teachers(inputs)
        weights = compute_class_weight(self.class_weight, classes=self.head_classes_, y=y)
        scaled: npt.NDArray[np.float64] = goals * weights[columns][:, None]
        return scaled

    def _ask_teachers(self, inputs: Inputs) -> npt.NDArray[np.float64]:
        from stance.models import load_classifier

        answers = []
        for folder in self.teacher or []:
            teacher, _ = load_classifier(Path(folder))
            if not set(self.head_classes_.tolist()) <= set(teacher.classes_.tolist()):
                raise ModelError(f"the teacher {folder} does not know the labels {self.head_classes_.tolist()}")
            places = [teacher.classes_.tolist().index(label) for label in self.head_classes_.tolist()]
            answers.append(teacher.predict_proba(inputs)[:, places])
        mean: npt.NDArray[np.float64] = np.mean(answers, axis=0)
        shares: npt.NDArray[np.float64] = mean / mean.sum(axis=1, keepdims=True)
        return shares

    def _fingerprint(self, inputs: Inputs, goals: npt.NDArray[np.float64]) -> str:
        parameters = {name: value for name, value in self.get_params().items() if name != "precision"}
        text = json.dumps([parameters, self.digest_, list(inputs), goals.round(6).tolist()], default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def _predict_proba(self, inputs: Inputs) -> Probabilities:
        import torch

        from stance.models.finetuning import find_device

        device = find_device()
        self.network_.to(device)
        rows = self.prompt_.rows(inputs)
        probabilities = np.zeros((len(rows), len(self.head_classes_)))
        batches = by_length(rows, 32)
        with torch.inference_mode():
            for batch in track(batches, "predicting", len(batches), minimum=8):
                tensors = (torch.from_numpy(array).to(device) for array in pad([rows[number] for number in batch]))
                probabilities[batch] = self.network_(*tensors).double().softmax(1).cpu().numpy()
        return self._spread(probabilities, self.head_classes_)

    def count_truncated(self, X: Any) -> int:
        """Return how many rows lose context or text to `max_tokens`."""
        return self.prompt_.count_truncated(as_inputs(X))

    def save(self, folder: Path) -> None:
        """Write the weights that training changed as a safetensors file; the backbone is named, not copied."""
        check_is_fitted(self)
        facts = {"parameters": self.get_params(), "classes": self.classes_.tolist(), "digest": self.digest_}
        facts |= {"head_classes": self.head_classes_.tolist(), "history": self.history_}
        save_arrays(folder / _FILE, self.weights_, facts)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        weights, facts = load_arrays(folder / _FILE)
        classifier = cls(**check_parameters(cls, facts["parameters"]))
        classifier.classes_ = np.array(facts["classes"])
        classifier.head_classes_ = np.array(facts["head_classes"])
        classifier.history_ = facts["history"]
        classifier.digest_ = facts["digest"]
        classifier._assemble(find_encoder(classifier.backbone, classifier.digest_), weights)
        return classifier
