"""The templates of what people read: HTML pages that load nothing, and Markdown cards."""

from __future__ import annotations

import jinja2

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("stance"),
    # text from outside is hostile in a page; a Markdown card is no page
    autoescape=jinja2.select_autoescape(["html"], default=False),
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)


def render(template: str, **values: object) -> str:
    """Fill a template of `stance/templates`; the names of pages end in .html, and their values are escaped."""
    return _ENVIRONMENT.get_template(template).render(**values)
