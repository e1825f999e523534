"""What a platform said, quoted in an error: one line, short, without secrets and addresses."""

from __future__ import annotations

from pipelines.plain_text import masked
from pipelines.privacy.redaction import without_emails

_LONGEST = 300


def quoted(text: object) -> str:
    """The start of the text; masked before it is cut, so that no half of a secret is left."""
    return without_emails(masked(" ".join(str(text).split()))[:_LONGEST]) or "(nothing)"
