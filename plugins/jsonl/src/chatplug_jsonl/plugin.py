"""The hook: a handler for the file that the environment names, none where it names none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatplug import hookimpl
from chatplug.credentials import read_variable

if TYPE_CHECKING:
    from chatplug.callbacks import BaseCallbackHandler


@hookimpl
def chatplug_callback_handlers() -> list[BaseCallbackHandler] | None:
    """The handler that hears every run of this process."""
    path = read_variable("CHATPLUG_JSONL_FILE")
    if path is None:
        return None
    from chatplug_jsonl.handler import JsonLinesHandler  # a process that writes nothing imports nothing

    return [JsonLinesHandler(path, contents=read_variable("CHATPLUG_JSONL_CONTENTS") == "1")]
