"""What every transport owes, as one class of tests to subclass.

    class TestMyTransport(TransportContract):
        def make_transport(self, options: TransportOptions) -> Transport:
            return MyTransport(options)

Each test is made for synchronous and for asynchronous calls. What a transport cannot do is declared with its reason
in `expected_failures`; a declared failure that does not happen is an error.
"""

from __future__ import annotations

import pytest

# So that a failed assertion shows its values to whoever holds a transport to this.
pytest.register_assert_rewrite(
    *[f"{__name__}.{part}" for part in ("answers", "connections", "failures", "leaks", "life", "ways")]
)

from chatplug.testing.transport_contract.answers import Answers, Streams  # noqa: E402
from chatplug.testing.transport_contract.connections import Connections  # noqa: E402
from chatplug.testing.transport_contract.failures import Failures  # noqa: E402
from chatplug.testing.transport_contract.leaks import Leaks  # noqa: E402
from chatplug.testing.transport_contract.life import Life  # noqa: E402
from chatplug.testing.transport_contract.ways import Ways  # noqa: E402

__all__ = ["TransportContract"]


class TransportContract(Answers, Streams, Connections, Failures, Ways, Life, Leaks):
    """Subclass it, and say in `make_transport` which transport is to be held to it."""
