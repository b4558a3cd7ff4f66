"""Ctrl-C ends the command at once, whatever it is waiting for.

Python raises KeyboardInterrupt between two steps of its own code. Calls that wait in C (a name lookup, a client
written in another language) keep it waiting, plugins may swallow it, and threads are joined before a program ends. So
a thread hears the signal too, and ends the process when that has not ended by itself after `GRACE` seconds.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["EXIT_CODE", "GRACE", "watch"]

EXIT_CODE = 130
"""How a shell reports a command that Ctrl-C ended: 128 and the signal's number."""
GRACE = 0.5
"""Seconds for closing connections and telling handlers."""


def watch() -> Callable[[], bool]:
    """Begin to listen for Ctrl-C; the function that is given says whether it was pressed."""
    pressed = False
    ignored = signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    if ignored or threading.current_thread() is not threading.main_thread():
        # A script's `&` has it ignored, and signals are a matter of the main thread.
        return lambda: False

    def interrupt(*_: object) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    reading, writing = os.pipe()
    if os.name == "posix":
        os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_end, args=(reading,), name="chatplug-interrupt", daemon=True).start()
    sys.unraisablehook = _unraisable
    signal.signal(signal.SIGINT, interrupt)
    return lambda: pressed


def _end(reading: int) -> None:
    """End the process a moment after the signal; nothing else would, if the main thread does not come back."""
    while os.read(reading, 1) != bytes([signal.SIGINT]):
        pass
    threading.Event().wait(GRACE)
    os._exit(EXIT_CODE)


def _unraisable(report: sys.UnraisableHookArgs) -> None:
    """Leave out KeyboardInterrupt in a destructor, about which Python would print a traceback."""
    if not isinstance(report.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(report)
