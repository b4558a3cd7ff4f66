"""pydantic looks for plugins of its own in all that is installed, when the first model class is made.

That reads the entry points of every distribution, and gives up at the first whose entry points cannot be read. The
index has seen them all: where it knows that there is no plugin of pydantic, pydantic is spared the search. Where there
is one nothing is changed, and so for a pydantic that keeps its plugins elsewhere.
"""

from __future__ import annotations

from chatplug.plugins.index import default_index

__all__ = ["spare_the_search"]


def spare_the_search() -> None:
    """Tell pydantic that it has no plugins, where that is so."""
    if default_index().installed().has_pydantic_plugins:
        return
    from pydantic.plugin import _loader

    if getattr(_loader, "_plugins", ()) is None:
        _loader._plugins = {}  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # there is no public way to say it


spare_the_search()
