"""Whether a version is one of those that a requirement asks for: PEP 440, as far as plugins need it."""

from __future__ import annotations

__all__ = ["fits"]

_SIGNS = ("===", "==", "!=", "~=", "<=", ">=", "<", ">")
_VERSION = (
    r"v?(?:\d+!)?(\d+(?:\.\d+)*)[-_.]?(?:(a|alpha|b|beta|c|rc|pre|preview)[-_.]?(\d*))?"
    r"(?:[-_.]?(?:post|rev|r)[-_.]?(\d*)|-(\d+))?(?:[-_.]?dev[-_.]?(\d*))?(?:\+[a-z0-9._-]+)?"
)

_Key = tuple[tuple[int, ...], int, int, int, int]


def fits(version: str, requirement: str) -> bool:
    """Whether a version is among those that a requirement like `>=0.1,<0.2` names.

    What cannot be read asks for nothing: an installer knows such versions better.

    >>> fits("0.1.3", ">=0.1,<0.2"), fits("0.2.0", ">=0.1,<0.2"), fits("0.2.0.dev1", "~=0.1")
    (True, False, True)
    """
    return all(_holds(version, clause.strip()) for clause in requirement.split(",") if clause.strip())


def _holds(version: str, clause: str) -> bool:
    sign = next(filter(clause.startswith, _SIGNS), "")
    text = clause.removeprefix(sign).strip()
    if not sign or not text:
        return True
    if sign == "===":
        return version == text
    is_prefix = text.endswith(".*")
    ours, theirs = _key(version), _key(text.removesuffix(".*"))
    if ours is None or theirs is None:
        return True
    release = theirs[0]
    if is_prefix:
        begins = _padded(ours[0], len(release))[: len(release)] == release
        return begins if sign == "==" else not begins
    if sign == "~=":
        return _compared(ours, theirs) >= 0 and _padded(ours[0], len(release))[: len(release) - 1] == release[:-1]
    order = _compared(ours, theirs)
    if sign == "<" and order < 0:
        # A pre-release of the version itself is not meant: `<0.2` has no 0.2rc1.
        return not (_is_early(ours) and not _is_early(theirs) and _same_release(ours, theirs))
    return {"==": order == 0, "!=": order != 0, "<=": order <= 0, ">=": order >= 0, ">": order > 0, "<": False}[sign]


def _key(text: str) -> _Key | None:
    """What versions are ordered by: release, then whether it comes before, is, or comes after the release itself."""
    parts = text.strip().split(".")
    if all(part.isascii() and part.isdigit() for part in parts):
        return tuple(map(int, parts)), 3, 0, 0, -1
    import re  # compiling the pattern takes longer than all the rest

    match = re.fullmatch(_VERSION, text.strip(), re.IGNORECASE)
    if match is None:
        return None
    release = tuple(int(part) for part in match[1].split("."))
    early, early_number, post, plain_post, dev = match[2], match[3], match[4], match[5], match[6]
    is_post = post is not None or plain_post is not None
    stage = {"a": 0, "b": 1}.get(early[0].lower(), 2) if early else 3
    if dev is not None and not early and not is_post:
        stage = -1
    after = int(post or plain_post or 0) + 1 if is_post else 0
    return release, stage, int(early_number or 0), after, -1 if dev is None else int(dev or 0)


def _compared(ours: _Key, theirs: _Key) -> int:
    """Less than, equal to or greater than 0, as ours is to theirs."""
    length = max(len(ours[0]), len(theirs[0]))
    left = (_padded(ours[0], length), *ours[1:4], ours[4] if ours[4] >= 0 else 1 << 60)
    right = (_padded(theirs[0], length), *theirs[1:4], theirs[4] if theirs[4] >= 0 else 1 << 60)
    return (left > right) - (left < right)


def _same_release(ours: _Key, theirs: _Key) -> bool:
    length = max(len(ours[0]), len(theirs[0]))
    return _padded(ours[0], length) == _padded(theirs[0], length)


def _is_early(key: _Key) -> bool:
    return key[1] < 3 or key[4] >= 0


def _padded(release: tuple[int, ...], length: int) -> tuple[int, ...]:
    return release + (0,) * (length - len(release))
