"""Whether Apple signed an AdAttributionKit postback: a compact JWS (RFC 7515) with ES256.

Apple, "Verifying a postback": production postbacks carry the key's id ``apple-cas-identifier/0``,
and its key is SKAdNetwork's; those of development carry other ids, and don't count.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

PRODUCTION_KEY_ID = "apple-cas-identifier/0"
_DEVELOPMENT = "apple-development-identifier/"
_JWS = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
# r and s, 32 bytes each (RFC 7518, section 3.4)
_SIGNATURE_BYTES, _HALF = 64, 32


def payload(jws: object) -> dict[str, Any] | None:
    """What a JWS says, whoever signed it; None for what is no JWS of an object."""
    match = _JWS.fullmatch(jws) if isinstance(jws, str) else None
    return _object(match[2]) if match else None


def problem(jws: object, key: EllipticCurvePublicKey, *, any_key_id: bool) -> str | None:
    """Why a JWS is not a production postback that the key signed; None for one that is.

    The header never chooses how it is verified: it has to name ES256, and nothing critical.

    Args:
        any_key_id: the key stands in Apple's place, under whatever name.
    """
    match = _JWS.fullmatch(jws) if isinstance(jws, str) else None
    header = _object(match[1]) if match else None
    if match is None or header is None or _object(match[2]) is None:
        return "its jws-string is no compact JWS"
    if header.get("alg") != "ES256" or "crit" in header:
        return "its jws-string isn't signed as Apple signs (ES256)"
    key_id = header.get("kid")
    if not any_key_id and key_id != PRODUCTION_KEY_ID:
        if str(key_id).startswith(_DEVELOPMENT):
            return "it is a development postback of AdAttributionKit"
        return "its jws-string names a key that isn't known"
    signed = f"{match[1]}.{match[2]}".encode()
    if _is_signed(signed, _bytes(match[3]), key):
        return None
    return "its jws-string is not signed with Apple's key"


def _is_signed(content: bytes, signature: bytes | None, key: EllipticCurvePublicKey) -> bool:
    if signature is None or len(signature) != _SIGNATURE_BYTES:
        return False
    r, s = (int.from_bytes(half) for half in (signature[:_HALF], signature[_HALF:]))
    try:
        key.verify(encode_dss_signature(r, s), content, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def _object(part: str) -> dict[str, Any] | None:
    content = _bytes(part)
    try:
        value = None if content is None else orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _bytes(part: str) -> bytes | None:
    try:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        return None
