"""What a recorder keeps: requests without their secrets, and what came, with the time of each piece; no I/O but files.

A file of recordings is JSON that people read in a review. Of headers only those are kept that say nothing about an
account; whatever else a request carried in a header is a secret, and is masked wherever it comes back. In an answer a
secret becomes as many asterisks, so that the pieces keep their lengths.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from difflib import SequenceMatcher, unified_diff
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from chatplug.credentials import secrets_of
from chatplug.http import errors as http_errors
from chatplug.wire import is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from chatplug.http import Request, TransportError
    from chatplug.testing.fake_transport import FakeAnswer, Step

__all__ = ["Heard", "RecordingMissError", "Tape"]

_MASK = "**********"
_SHORTEST = 8
_KEPT_OF_REQUESTS = frozenset({"accept", "content-type"})
_KEPT_OF_ANSWERS = re.compile(r"content-type|retry-after(-ms)?|(x-)?request-id|x-ratelimit-.+|.+-ratelimit-.+")
_SECRET_QUERY = re.compile(r"key|token|secret|sig|auth|password|credential", re.IGNORECASE)
_FORMAT = 1


class RecordingMissError(AssertionError):
    """A request was made that no recording answers; it shows the nearest one and the difference."""


@dataclass(slots=True)
class Heard:
    """An answer while it arrives."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    pieces: list[tuple[float, bytes]] = field(default_factory=list[tuple[float, bytes]])
    """Each piece of the body, and how many seconds after the one before it came."""
    error: TransportError | None = None
    is_whole: bool = True
    """Whether its reader stayed to the end."""


class Tape:
    """The recordings of one file.

    Args:
        path: The file; it need not exist yet.
        secrets: What must not be in it, besides the headers of requests.
    """

    def __init__(self, path: Path, secrets: Iterable[str] = ()) -> None:
        self.path = path
        self._secrets = {secret for secret in secrets if secret}
        self._recordings: list[dict[str, Any]] = []
        self._played: set[int] = set()
        self._lock = Lock()
        self.is_changed = False
        """Whether there is something to save."""
        if path.exists():
            data = json.loads(path.read_text(encoding="utf-8"))
            if data.get("format") != _FORMAT:
                raise ValueError(f"{path} holds recordings of the format {data.get('format')}; record it again.")
            self._recordings = data["recordings"]

    def __len__(self) -> int:
        return len(self._recordings)

    def clear(self) -> None:
        """Forget what was recorded, to record it again."""
        self._recordings.clear()
        self.is_changed = True

    def find(self, request: Request, *, speed: float | None) -> FakeAnswer | None:
        """The next recording of this request that was not played yet, as an answer; None if there is none.

        Args:
            request: What is asked.
            speed: How fast the pieces come: 1 as they came, 2 twice as fast; None at once.
        """
        asked = self._told(request)
        with self._lock:
            for number, recording in enumerate(self._recordings):
                if number not in self._played and recording["request"] == asked:
                    self._played.add(number)
                    return _answer(recording["answer"], request, speed)
        return None

    def miss(self, request: Request, how: str) -> RecordingMissError:
        """The error for a request that no recording answers."""
        asked = self._told(request)
        same = sum(recording["request"] == asked for recording in self._recordings)
        where = f"{asked['method']} {asked['url']}"
        if same:
            times = "once" if same == 1 else f"{same} times"
            return RecordingMissError(f"{where} was recorded {times} in {self.path}, and is asked once more. {how}")
        if not self._recordings:
            return RecordingMissError(f"{where} is not recorded: {self.path} holds nothing. {how}")
        wanted = _pretty(asked)
        nearest = max(
            (_pretty(recording["request"]) for recording in self._recordings),
            key=lambda text: SequenceMatcher(None, text, wanted, autojunk=False).ratio(),
        )
        lines = unified_diff(nearest.splitlines(), wanted.splitlines(), "recorded", "asked", lineterm="", n=2)
        return RecordingMissError(
            f"{where} is not recorded in {self.path}. {how}\nThe nearest of {len(self)}:\n" + "\n".join(lines)
        )

    def add(self, request: Request, heard: Heard) -> None:
        """Keep a request and what came of it."""
        told = self._told(request)
        with self._lock:
            self._recordings.append({"request": told, "answer": self._heard(heard)})
            self._played.add(len(self._recordings) - 1)
            self.is_changed = True

    def save(self) -> None:
        """Write the file, if there is something new."""
        if not self.is_changed:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"format": _FORMAT, "recordings": self._recordings}, ensure_ascii=False, indent=1)
        beside = self.path.with_name(f"{self.path.name}.new")
        beside.write_text(self._masked(text) + "\n", encoding="utf-8")
        beside.replace(self.path)
        self.is_changed = False

    def _told(self, request: Request) -> dict[str, Any]:
        """A request as it is kept and compared, and its secrets learned."""
        for name, value in request.headers.items():
            if name.lower() not in _KEPT_OF_REQUESTS:
                self._secrets.update(part for part in value.split() if len(part) >= _SHORTEST)
        self._secrets.update(secret for secret in _secrets_of_address(request.url) if len(secret) >= _SHORTEST)
        body = request.body or b""
        return {
            "method": request.method,
            "url": self._masked(_without_secrets(request.url)),
            "headers": {
                name.lower(): value if name.lower() in _KEPT_OF_REQUESTS else _MASK
                for name, value in request.headers.items()
                if name.lower() in _KEPT_OF_REQUESTS or len(value) >= _SHORTEST
            },
            "body": self._masked_json(_without_keys(_parsed(body), self._secrets)),
        }

    def _masked(self, text: str) -> str:
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, _MASK)
        return text

    def _masked_json(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._masked(value)
        if is_object(value):
            return {self._masked(name): self._masked_json(item) for name, item in value.items()}
        return [self._masked_json(item) for item in value] if is_array(value) else value

    def _heard(self, heard: Heard) -> dict[str, Any]:
        body = b"".join(piece for _, piece in heard.pieces)
        for secret in sorted(self._secrets, key=len, reverse=True):
            body = body.replace(secret.encode(), b"*" * len(secret.encode()))
        pieces: list[list[Any]] = []
        start = 0
        for seconds, piece in heard.pieces:
            pieces.append([round(seconds, 4), _written(body[start : start + len(piece)])])
            start += len(piece)
        answer: dict[str, Any] = {"status": heard.status}
        answer["headers"] = {name: value for name, value in heard.headers.items() if _KEPT_OF_ANSWERS.fullmatch(name)}
        answer["pieces"] = pieces
        if heard.error is not None:
            answer["error"] = _error_facts(heard.error)
        elif not heard.is_whole:
            answer["left"] = True
        return answer


def _without_secrets(url: str) -> str:
    """The address with what looks like a secret in its query masked, and without user and password."""
    parts = urlsplit(url)
    query = [
        (name, _MASK if _SECRET_QUERY.search(name) else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, urlencode(query, safe="*"), ""))


def _secrets_of_address(url: str) -> list[str]:
    """What `_without_secrets` leaves out."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query)
    return [
        *filter(None, (parts.username, parts.password)),
        *(one for name, one in query if _SECRET_QUERY.search(name)),
    ]


def _without_keys(body: Any, secrets: set[str]) -> Any:
    """A body with what is secret by its name masked, and learned where it is long enough to be found elsewhere."""
    found = {secret.get_secret_value() for secret in secrets_of(body)}
    secrets.update(secret for secret in found if len(secret) >= _SHORTEST)
    return _without(body, found) if found else body


def _without(value: Any, secrets: set[str]) -> Any:
    if is_object(value):
        return {name: _without(item, secrets) for name, item in value.items()}
    if is_array(value):
        return [_without(item, secrets) for item in value]
    return _MASK if isinstance(value, str) and value in secrets else value


def _parsed(body: bytes) -> Any:
    """JSON as it is meant, text as text, and anything else in base 64."""
    try:
        return json.loads(body)
    except ValueError:
        return _written(body)


def _written(data: bytes) -> str | dict[str, str]:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _read(value: str | dict[str, str]) -> bytes:
    return value.encode() if isinstance(value, str) else base64.b64decode(value["base64"])


def _error_facts(error: TransportError) -> dict[str, Any]:
    facts = {name: value for name, value in vars(error).items() if name not in ("url", "method")}
    return {"class": type(error).__name__, **facts}


def _error(facts: Mapping[str, Any], request: Request) -> TransportError:
    """The error of the recording, about this request."""
    kind: type[TransportError] = getattr(http_errors, facts["class"])
    error = kind.__new__(kind)
    vars(error).update({name: value for name, value in facts.items() if name != "class"})
    error.method, error.url = request.method, http_errors.public_url(request.url)
    error.args = (f"{error.method} {error.url}: {error.reason}",)
    return error


def _answer(recorded: Mapping[str, Any], request: Request, speed: float | None) -> FakeAnswer:
    from chatplug.testing.fake_transport import FakeAnswer

    steps: list[Step] = []
    for seconds, piece in recorded["pieces"]:
        if speed is not None and seconds > 0:
            steps.append(seconds / speed)
        steps.append(_read(piece))
    if "error" in recorded:
        error = _error(recorded["error"], request)
        if recorded["status"] is None:
            raise error
        steps.append(error)
    if recorded.get("left"):
        where = f"{request.method} {http_errors.public_url(request.url)}"
        steps.append(RecordingMissError(f"{where}: its reader left here when it was recorded. Record it anew."))
    return FakeAnswer(steps, recorded["status"], recorded["headers"])


def _pretty(request: Mapping[str, Any]) -> str:
    return json.dumps(request, ensure_ascii=False, indent=2, sort_keys=True)
