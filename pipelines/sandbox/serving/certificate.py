"""The sandbox's own TLS certificate, for the SDKs that never speak plain text.

Imports no grpc: ``GRPC_DEFAULT_SSL_ROOTS_FILE_PATH`` has to name the certificate before the
first gRPC channel of the process reads it.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFETIME = timedelta(days=30)
_RENEW_BEFORE = timedelta(days=2)


def ensure_certificate(folder: Path) -> Path:
    """The folder's self-signed certificate for localhost; made where missing or about to end.

    Returns:
        A PEM file with the certificate and its private key. They share a file, moved into
        place at once, so that processes asking at the same time never see a mixed pair.
    """
    folder.mkdir(parents=True, exist_ok=True)
    bundle = folder / "localhost.pem"
    if not bundle.is_file() or _ends(bundle) < datetime.now(UTC) + _RENEW_BEFORE:
        partial = folder / f".localhost.{os.getpid()}.pem"
        partial.write_bytes(b"")
        partial.chmod(0o600)
        partial.write_bytes(_self_signed())
        partial.replace(bundle)
    return bundle


def _ends(bundle: Path) -> datetime:
    return x509.load_pem_x509_certificate(bundle.read_bytes()).not_valid_after_utc


def _self_signed() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "adcanary sandbox")])
    now = datetime.now(UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
