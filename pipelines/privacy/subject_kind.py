"""What a request names a person by."""

from __future__ import annotations

from enum import StrEnum


class SubjectKind(StrEnum):
    """What was given; ``stored`` is an id as the warehouse holds it: hash, device or click id."""

    EMAIL = "email"
    PHONE = "phone"
    USER = "user"
    STORED = "stored"
