"""One article, sentence by sentence."""

from __future__ import annotations

from dataclasses import dataclass

from stance.data.corpus import CONTEXT_SENTENCES
from stance.errors import InputError
from stance.labels import DEFAULT_TARGET, Prediction
from stance.predictor import StancePredictor
from stance.text import split_sentences


@dataclass(frozen=True, slots=True)
class ArticleSentence:
    """A sentence of an article: `article[start:end]`, counted from position 0, and its stance."""

    position: int
    start: int
    end: int
    prediction: Prediction


def analyse_article(
    text: str, target: str = DEFAULT_TARGET, predictor: StancePredictor | None = None
) -> list[ArticleSentence]:
    """Cut an article into sentences and tell the stance of each, its two predecessors as context.

    Parameters
    ----------
    text : str
        The article.
    target : str, default="missile defence"
        What the stance is toward.
    predictor : StancePredictor, default=None
        `StancePredictor.from_pretrained()` where None.

    Raises
    ------
    InputError
        There is no text in it.
    """
    sentences = split_sentences(text)
    if not sentences:
        raise InputError("the article is empty")
    texts = [sentence.text for sentence in sentences]
    contexts = [" ".join(texts[max(0, i - CONTEXT_SENTENCES) : i]) for i in range(len(texts))]
    predictions = (predictor or StancePredictor.from_pretrained()).predict(texts, target, contexts)
    return [
        ArticleSentence(position, sentence.start, sentence.end, prediction)
        for position, (sentence, prediction) in enumerate(zip(sentences, predictions, strict=True))
    ]
