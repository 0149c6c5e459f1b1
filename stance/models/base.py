"""The one interface of all classifiers: scikit-learn estimators over (text, target, context)."""

from __future__ import annotations

import abc
import inspect
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, Field, ValidationError, create_model
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from stance.config import explain
from stance.errors import ConfigError, InputError, StanceError, nearest
from stance.labels import LABELS
from stance.models.inputs import Inputs, Probabilities, as_inputs

PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
RandomState = Annotated[int, Field(ge=0, lt=2**32)] | None
ClassWeight = Literal["balanced"] | dict[Any, Annotated[float, Field(ge=0)]] | None
"""What scikit-learn takes as class_weight: "balanced" weighs each label by the inverse of its frequency."""


Pooling = Literal["mean", "text", "first", "last", "text+last", "mean+last", "first+text"]
"""What stands for a row: the mean over all tokens, over the text's, the first or the last token, or two of them."""
Trained = Literal["whole", "layers", "lora"]
"""Which weights of a transformer are trained, see `stance.models.network.choose_trained`."""


class Support(NamedTuple):
    """What a training may use beside the examples.

    Attributes
    ----------
    validation : (Inputs, list of labels) or None
        To choose the best weights by.
    checkpoints : Path or None
        A folder to keep what a training that is stopped goes on from.
    """

    validation: tuple[Inputs, list[Any]] | None = None
    checkpoints: Path | None = None


class StanceClassifier(ClassifierMixin, BaseEstimator, abc.ABC):
    """Base of the classifiers.

    A subclass names its parameters, with types and bounds, in the annotations of `__init__`; they are checked
    by `check_parameters` when a config is read and again in `fit`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        `LABELS`, in that order, if `y` holds nothing else (a label that never occurs gets probability 0);
        otherwise the sorted labels of `y`. Columns of `predict_proba` follow it.
    """

    kind: ClassVar[str]
    """The name of this classifier in configs and model folders."""

    classes_: npt.NDArray[Any]

    def fit(
        self, X: Any, y: Any, *, validation: tuple[Any, Any] | None = None, checkpoints: Path | None = None
    ) -> Self:
        """Fit to texts and labels.

        Parameters
        ----------
        X : see `as_inputs`, n rows
        y : array-like of shape (n,)
            Labels, at least two different ones.
        validation : (X, y) or None, default=None
            Where training goes in steps, what the best step is chosen by.
        checkpoints : Path or None, default=None
            Where training goes in steps, a folder to keep them in; a training that was stopped there is gone on with.

        Raises
        ------
        InputError
            X holds anything but text, lengths differ, or y has fewer than two classes.
        ConfigError
            A parameter has a wrong value.
        """
        check_parameters(type(self), self.get_params(deep=False))
        if y is None:
            raise InputError("this estimator requires y to be passed, but the target y is None")
        inputs = as_inputs(X)
        labels = np.asarray(y)
        check_classification_targets(labels)
        if labels.ndim != 1 or len(labels) != len(inputs.texts):
            raise InputError(f"y must hold one label a text ({len(inputs.texts)}), not shape {labels.shape}")
        found = np.unique(labels)
        if len(found) < 2:
            raise InputError(f"classifier can't train when only one class is present: {found.tolist()}")
        self.classes_ = np.array(LABELS) if set(found.tolist()) <= set(LABELS) else found
        support = Support((as_inputs(validation[0]), list(validation[1])) if validation else None, checkpoints)
        try:
            self._fit(inputs, labels, support)
        except (ValueError, ZeroDivisionError) as error:
            if isinstance(error, StanceError):
                raise
            raise InputError(f"cannot fit {self.kind} to these texts and parameters: {error}") from error
        return self

    def predict_proba(self, X: Any) -> Probabilities:
        """Return probabilities, shape (n, n_classes), columns in the order of `classes_`, rows summing to 1."""
        check_is_fitted(self)
        inputs = as_inputs(X)
        if not inputs.texts:
            return np.zeros((0, len(self.classes_)))
        return self._predict_proba(inputs)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the likeliest label of each row, shape (n,)."""
        columns = self.predict_proba(X).argmax(axis=1)
        labels: npt.NDArray[Any] = self.classes_[columns]
        return labels

    @abc.abstractmethod
    def _fit(self, inputs: Inputs, y: npt.NDArray[Any], support: Support) -> None: ...

    @abc.abstractmethod
    def _predict_proba(self, inputs: Inputs) -> Probabilities: ...

    @abc.abstractmethod
    def save(self, folder: Path) -> None:
        """Write what was fitted into the empty `folder`, without pickle."""

    @classmethod
    @abc.abstractmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; `folder` has been checked against its manifest."""

    def count_truncated(self, X: Any) -> int:
        """Return how many rows are longer than the classifier reads."""
        return 0

    def _spread(self, probabilities: npt.NDArray[Any], classes: npt.NDArray[Any]) -> Probabilities:
        """Put columns ordered by `classes` into the order of `classes_`."""
        spread = np.zeros((len(probabilities), len(self.classes_)))
        place = {label: column for column, label in enumerate(self.classes_.tolist())}
        spread[:, [place[label] for label in classes.tolist()]] = probabilities
        return spread

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def save_head(head: LogisticRegression) -> tuple[dict[str, npt.NDArray[Any]], list[Any]]:
    """Return a fitted logistic regression as arrays and its classes."""
    return {"coefficients": head.coef_, "intercept": head.intercept_}, head.classes_.tolist()


def load_head(arrays: Mapping[str, npt.NDArray[Any]], classes: list[Any]) -> LogisticRegression:
    """Make a fitted logistic regression of what `save_head` gave."""
    head = LogisticRegression()
    head.coef_, head.intercept_ = arrays["coefficients"], arrays["intercept"]
    head.classes_ = np.array(classes)
    return head


def check_parameters(kind: type[StanceClassifier], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Check parameters against the annotations of `kind.__init__` and return them, converted.

    Raises
    ------
    ConfigError
        A parameter is unknown (the nearest is named), or its value has the wrong type or range.
    """
    signature = inspect.signature(kind.__init__).parameters
    known = [name for name in signature if name != "self"]
    for name in parameters:
        if name not in known:
            hint = nearest(name, known)
            raise ConfigError(f'model: unknown key "{name}"{hint} (known: {", ".join(["kind", *known])})')
    hints = typing.get_type_hints(kind.__init__, include_extras=True)
    fields: dict[str, Any] = {name: (hints[name], signature[name].default) for name in known}
    model: Any = create_model(
        kind.__name__,
        __config__=ConfigDict(extra="forbid", arbitrary_types_allowed=True),
        **fields,
    )
    try:
        checked = model.model_validate(dict(parameters))
    except ValidationError as error:
        lines = explain(error).split("\n  ")
        raise ConfigError("\n  ".join(f"model.{line}" for line in lines)) from None
    return {name: getattr(checked, name) for name in parameters}
