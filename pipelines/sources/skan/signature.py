"""Whether Apple signed a SKAdNetwork postback, versions 2.2 to 4.0.

Apple's "Verifying an install-validation postback" gives the key, and for every version the order
of the fields that are signed. Conversion values are in none of them.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from pipelines.errors import ConfigError

# Apple's NIST P-256 key for version 2.1 and later
APPLE_PUBLIC_KEY = b"""-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEWdp8GPcGqmhgzEFj9Z2nSpQVddayaPe4
FMzqM9wib1+aHaaIzoHoLN9zW4K8y4SPykE3YVK3sVqW6Af0lfx3gg==
-----END PUBLIC KEY-----
"""
SEPARATOR = "\u2063"
_UP_TO_3 = (
    *("version", "ad-network-id", "campaign-id", "app-id", "transaction-id", "redownload"),
    *("source-app-id", "fidelity-type"),
)
SIGNED = {
    "2.2": _UP_TO_3,
    "3.0": (*_UP_TO_3, "did-win"),
    "4.0": (
        *("version", "ad-network-id", "source-identifier", "app-id", "transaction-id"),
        *("redownload", "source-app-id", "source-domain", "fidelity-type", "did-win"),
        "postback-sequence-index",
    ),
}
# sent, and then signed, where Apple's privacy threshold is met
_OPTIONAL = {"source-app-id", "source-domain"}


def signed_text(postback: dict[str, Any]) -> bytes | None:
    """The bytes that Apple signs of a postback.

    None for another version, a missing field, and a field that holds the separator: with it the
    same bytes would be those of a postback with other fields.
    """
    fields = SIGNED.get(text(postback.get("version")), ())
    texts = {name: text(postback[name]) for name in fields if postback.get(name) is not None}
    if not fields or set(fields) - set(texts) - _OPTIONAL:
        return None
    if any(SEPARATOR in value for value in texts.values()):
        return None
    return SEPARATOR.join(texts.values()).encode()


def is_signed(postback: dict[str, Any], key: EllipticCurvePublicKey) -> bool:
    """Whether ``attribution-signature`` is the key's, over the fields of the version."""
    signed, signature = signed_text(postback), postback.get("attribution-signature")
    if signed is None or not isinstance(signature, str):
        return False
    try:
        key.verify(base64.b64decode(signature, validate=True), signed, ECDSA(SHA256()))
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def load_key(path: Path | None) -> EllipticCurvePublicKey:
    """Apple's public key, or the one in a PEM file in its place.

    Raises:
        ConfigError: no file, or not the public half of a P-256 key.
    """
    try:
        key = load_pem_public_key(path.read_bytes() if path else APPLE_PUBLIC_KEY)
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(
            f"skan: no public key can be read from {path}: {error}",
            kept="nothing was read or published.",
            fix="Remove sources.skan.public_key to use Apple's own.",
        ) from error
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise ConfigError(
            f"skan: the key in {path} is not a P-256 key, and Apple's signatures are.",
            kept="nothing was read or published.",
            fix="Remove sources.skan.public_key to use Apple's own.",
        )
    return key


def text(value: object) -> str:
    """A field's value as it is signed: what the signature vouches for, whatever its JSON type."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON's 24.0 is 24
    return str(value).lower() if isinstance(value, bool) else str(value)
