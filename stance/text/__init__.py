"""From an article to its sentences."""

from stance.text.sentences import Sentence, split_sentences

__all__ = ["Sentence", "split_sentences"]
