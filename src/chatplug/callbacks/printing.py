"""`StreamingStdOutCallbackHandler`: prints an answer while it arrives."""

from __future__ import annotations

import sys
from typing import Any

from chatplug.callbacks.handler import BaseCallbackHandler

__all__ = ["StreamingStdOutCallbackHandler"]


class StreamingStdOutCallbackHandler(BaseCallbackHandler):
    """Writes each token to standard output, at once; a model that is only invoked gives none.

    >>> import chatplug
    >>> for _ in chatplug.init("echo:n3").stream("Meow!", {"callbacks": [StreamingStdOutCallbackHandler()]}):
    ...     pass
    Meo
    """

    run_inline = True

    def on_llm_new_token(self, token: str, **kwargs: Any) -> None:
        """Write it."""
        sys.stdout.write(token)
        sys.stdout.flush()
