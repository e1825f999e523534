"""Whom a request is about: a raw e-mail address, number or user id, hashed at once."""

from __future__ import annotations

import re

from pipelines.errors import UsageError
from pipelines.placeholders import SHIPPED, Placeholders
from pipelines.privacy.declared import Id, Kind
from pipelines.privacy.hashing import hash_email, hash_phone, hash_user_id
from pipelines.privacy.subject_kind import SubjectKind

# digits and how they are grouped: nothing else, so that an impossible number is told to be one
_DIALLED = re.compile(r"[+][\d\s().\-/]+")


def detect(value: str) -> SubjectKind:
    """An address has an @, a number starts with its country code (+ or 00), the rest is a user."""
    text = value.strip()
    if "@" in text:
        return SubjectKind.EMAIL
    if _DIALLED.fullmatch(text) or (text.startswith("00") and hash_phone(text, "") is not None):
        return SubjectKind.PHONE
    return SubjectKind.USER


def identify(
    value: str,
    salt: str,
    kind: SubjectKind | None = None,
    nobodys: Placeholders = SHIPPED,
) -> tuple[Id, ...]:
    """The ids that a request starts from; ``value`` is not kept, shown or logged.

    Args:
        kind: what ``value`` is; detected where it is left out.
        nobodys: texts that are nobody's id.

    Raises:
        UsageError: there is no such thing in it, such as a number without a country code; or it
            is a placeholder, and so nobody's.
    """
    chosen = kind or detect(value)
    if chosen is SubjectKind.STORED:
        stored = value.strip()
        # of a hash nobody can tell what it is a hash of
        kinds = (Kind.USER, Kind.EMAIL, Kind.PHONE, Kind.DEVICE, Kind.CLICK, Kind.LEAD)
        return _found(tuple(Id(k, stored) for k in kinds if nobodys.real(stored)), chosen)
    if chosen is SubjectKind.EMAIL:
        id_, hashed = Kind.EMAIL, hash_email(value, salt, nobodys)
    elif chosen is SubjectKind.PHONE:
        id_, hashed = Kind.PHONE, hash_phone(value, salt, nobodys=nobodys)
    else:
        id_, hashed = Kind.USER, hash_user_id(value, salt, nobodys)
    return _found((Id(id_, hashed),) if hashed else (), chosen)


def _found(ids: tuple[Id, ...], kind: SubjectKind) -> tuple[Id, ...]:
    if not ids:
        raise UsageError(
            f"The value given is not of the kind '{kind}', or it is a text that many send where "
            "they have none, such as undefined.",
            kept="nothing was searched.",
            fix="Write an address as name@host, a number with its country code (+49 …), or say "
            "what it is with --kind.",
        )
    return ids
