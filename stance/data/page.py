"""The statistics of a collection as one self-contained page with plots."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import markupsafe

from stance.data.statistics import PROBE_LIMIT, PROBE_WORDS, Statistics
from stance.errors import missing_extra
from stance.labels import LABELS, Example
from stance.pages import render

_COLOURS = {"disagree": "#c8553d", "neutral": "#8d99ae", "agree": "#2a6f97"}


def render_page(statistics: Statistics, examples: Sequence[Example], title: str) -> str:
    """Return the page as HTML, plots embedded as SVG; near-duplicate pairs are shown with their texts."""
    return render(
        "data.html",
        title=title,
        statistics=statistics,
        labels=LABELS,
        probe_words=PROBE_WORDS,
        probe_limit=PROBE_LIMIT,
        median=sorted(statistics.lengths)[len(statistics.lengths) // 2],
        duplicates=[
            (examples[i], examples[j]) for i, j in [*statistics.duplicates_within, *statistics.duplicates_across][:20]
        ],
        plots={
            "Labels by genre": _genres(statistics),
            "Words in a sentence": _lengths(statistics),
            "Growth of the vocabulary": _growth(statistics),
        },
    )


def _genres(statistics: Statistics) -> markupsafe.Markup:
    names = list(statistics.genres)[::-1]
    figure, axes = _figure(height=1.2 + 0.26 * len(names))
    left = [0.0] * len(names)
    for label in LABELS:
        totals = [max(sum(statistics.genres[name].values()), 1) for name in names]
        shares = [statistics.genres[name][label] / total for name, total in zip(names, totals, strict=True)]
        axes.barh(names, shares, left=left, color=_COLOURS[label], label=label, height=0.75)
        left = [a + b for a, b in zip(left, shares, strict=True)]
    axes.set_yticks(range(len(names)), [f"{n.replace('_', ' ')} ({sum(statistics.genres[n].values())})" for n in names])
    axes.set_xlim(0, 1)
    axes.margins(y=0.01)
    axes.set_xlabel("share of the sentences")
    axes.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False)
    return _svg(figure)


def _lengths(statistics: Statistics) -> markupsafe.Markup:
    figure, axes = _figure()
    axes.hist(statistics.lengths, bins=range(0, max(statistics.lengths) + 3, 2), color=_COLOURS["agree"])
    axes.set_xlabel("words")
    axes.set_ylabel("sentences")
    return _svg(figure)


def _growth(statistics: Statistics) -> markupsafe.Markup:
    figure, axes = _figure()
    axes.plot(*zip(*statistics.growth, strict=True), color=_COLOURS["agree"])
    axes.set_xlabel("words read")
    axes.set_ylabel("distinct words")
    axes.set_ylim(bottom=0)
    return _svg(figure)


def _figure(height: float = 3.0) -> tuple[Any, Any]:
    try:
        import matplotlib
    except ImportError:
        raise missing_extra("matplotlib", "train") from None
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.2, height), layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _svg(figure: Any) -> markupsafe.Markup:
    import matplotlib.pyplot as plt

    buffer = io.StringIO()
    # without the date, equal data give equal pages; text as text, so that it can be read and searched
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": "stance"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    text = buffer.getvalue()
    return markupsafe.Markup(text[text.index("<svg") :])
