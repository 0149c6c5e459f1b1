"""What makes a document of its sentences: context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from stance.labels import Example

CONTEXT_SENTENCES = 2


def add_context(examples: Sequence[Example]) -> list[Example]:
    """Give each sentence without a context the up to two that stand right before it in its document.

    Neighbours are sentences of one `document_id` whose `position` differs by one; a larger step means that
    the text between was left out, and context does not reach over it. Several targets for one sentence may
    share a position. Order is kept.
    """
    texts = {(e.document_id, e.position): e.text for e in examples if e.document_id}
    placed = []
    for example in examples:
        if example.document_id and not example.context:
            before: list[str] = []
            for step in range(1, CONTEXT_SENTENCES + 1):
                text = texts.get((example.document_id, example.position - step))
                if text is None:
                    break
                before.insert(0, text)
            example = replace(example, context=" ".join(before))
        placed.append(example)
    return placed
