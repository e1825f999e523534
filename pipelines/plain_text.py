"""Texts of others (names, messages, errors) made fit to be shown: nothing in them acts on a
terminal, and no secret of this process is in them."""

from __future__ import annotations

import logging
import re
import sys
import traceback
from types import TracebackType
from typing import Any
from urllib.parse import quote

# Controls but tab and line feed, marks that turn the direction of a text or can't be seen, line
# separators, halves of characters. Joiners stay: emoji and several scripts need them.
_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_SHORTEST = 8
_START = 20
"""A secret cut short is still masked if so much of its start is there. It is more than an id, which
some tokens begin with (Salesforce: the organisation's, 18 characters)."""
_MASK = "[secret]"
_secrets: set[str] = set()


def visible(text: str) -> str:
    """The text with what would act on a terminal written as an escape, such as ``\\x1b``.

    Tabs and line feeds stay.
    """
    return _ACTING.sub(lambda match: _escape(match[0]), text)


def one_line(text: str) -> str:
    """:func:`visible`, with tabs and line feeds as escapes, too: a name can't begin a line."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def remember_secrets(*secrets: str) -> None:
    """Mask these, and their percent-encoded form, in every error, log record and traceback from
    now on. What is shorter than eight characters is left: it would be found in plain words."""
    new = {s for secret in secrets for s in (secret, quote(secret, safe="")) if len(s) >= _SHORTEST}
    if new <= _secrets:
        return
    if not _secrets:
        _mask_logs_and_tracebacks()
    _secrets.update(new)


def masked(text: str) -> str:
    """The text without the secrets of this process, whole or cut short."""
    for secret in sorted(_secrets, key=len, reverse=True):
        start = secret[:_START]
        at = text.find(start)
        while at >= 0:
            end = at + len(start)
            while end < len(text) and end - at < len(secret) and text[end] == secret[end - at]:
                end += 1
            text = text[:at] + _MASK + text[end:]
            at = text.find(start, at + len(_MASK))
    return text


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _mask_logs_and_tracebacks() -> None:
    make, show = logging.getLogRecordFactory(), sys.excepthook

    def record(*arguments: Any, **named: Any) -> logging.LogRecord:
        entry = make(*arguments, **named)
        message = entry.getMessage()
        if (text := masked(message)) != message:
            entry.msg, entry.args = text, None
        if entry.exc_info and entry.exc_info[0]:
            entry.exc_text = masked("".join(traceback.format_exception(*entry.exc_info)).rstrip())
        return entry

    def uncaught(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
        text = "".join(traceback.format_exception(kind, error, at))
        if masked(text) == text:
            show(kind, error, at)
        else:
            sys.stderr.write(masked(text))

    logging.setLogRecordFactory(record)
    sys.excepthook = uncaught
