"""Writes Apple's postbacks that the simulated advertiser's endpoint receives."""

from __future__ import annotations

import gzip
import hashlib
import uuid
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from pipelines.sandbox.market.market import Market
from pipelines.sandbox.serving.clock import Clock
from pipelines.sandbox.serving.faults import Faults
from pipelines.sandbox.serving.whole_files import write_whole

ADVERTISER_ID = "canary-app"
NETWORK_ID, AAK_NETWORK_ID = "canarytik.skadnetwork", "canarytik.adattributionkit"
PUBLIC_KEY = "public_key.pem"
# The endpoint was set up this many days before the market's end; no file is older.
KEPT_DAYS = 40
FAULTS = {
    "forged_signature": "postbacks of the last day that another key signed, or altered since",
    "resent_postback": "postbacks are sent again, the same day and up to nine days later",
    "late_postback": "the last postback of a day is written to the file of the next day",
    "truncated_file": "the last day's file is compressed and cut off",
    "half_line": "the last day's file ends in the middle of a line",
    "new_column": "postbacks carry a field that nobody knows",
    "missing_column": "a line of the last day has no received_at",
    "wrong_type": "a line of the last day has a number for received_at",
}
BREAKING = frozenset({"truncated_file", "half_line", "missing_column", "wrong_type"})

# whose campaigns the installs follow
_AD_PLATFORM = "tiktok_ads"
_APP_ID = 525_463_029
_SOURCE_APPS = (1_234_567_891, 544_007_664, None)
_INSTALLS_A_CLICK = 0.03
# Of an install's postbacks of version 4: days after the first launch that its window ends,
# hours of delay at most, chance that it is sent.
_SENT = ((2, 48, 1.0), (7, 144, 0.5), (35, 144, 0.2))
_SECONDS = 86_400
# Of the installs of version 4, those of devices with AdAttributionKit in place of SKAdNetwork, and
# of these the re-engagements: by a byte of their ids, so that nothing else is drawn anew.
_AAK_BELOW, _RE_ENGAGED_BELOW = 64, 64


@dataclass(frozen=True)
class _Sent:
    """A reception: ``fields`` as SKAdNetwork names them, ``body`` as the endpoint got it."""

    received_at: datetime
    fields: dict[str, Any]
    body: dict[str, Any] = field(default_factory=dict)


class SkanPostbacks:
    """A folder of ``YYYY-MM-DD.ndjson``, a file a UTC day of reception, up to ``today - 1``.

    Installs follow the clicks of the market's TikTok campaigns. A postback, of SKAdNetwork or
    AdAttributionKit, is signed as Apple does, with a key of the sandbox's own: its public half is
    in the folder.

    Args:
        folder: where the files go, made by :meth:`write`.
    """

    def __init__(self, market: Market, clock: Clock, folder: Path) -> None:
        self._market, self._clock, self.folder = market, clock, folder
        self.faults = Faults(FAULTS, BREAKING)
        self.first_day = max(market.end - timedelta(days=KEPT_DAYS - 1), market.start)
        self._key = _private_key(market.seed)

    @property
    def public_key(self) -> Path:
        """The file of the key that verifies the postbacks (PEM)."""
        return self.folder / PUBLIC_KEY

    def write(self) -> list[Path]:
        """Bring the folder up to ``today - 1``, with the faults that are on.

        Returns:
            The files whose content is new.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.public_key.write_bytes(
            self._key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        struck = {name for name in FAULTS if self.faults.strikes(name, ADVERTISER_ID)}
        written = []
        for day, lines in self._lines(struck).items():
            last = day == self._clock.today - timedelta(days=1)
            zipped = last and "truncated_file" in struck
            path = self.folder / f"{day}.ndjson{'.gz' if zipped else ''}"
            content = _content(lines, struck if last else set())
            (self.folder / f"{day}.ndjson{'' if zipped else '.gz'}").unlink(missing_ok=True)
            if write_whole(path, content):
                written.append(path)
        return written

    def books(self) -> pa.Table:
        """What a client must end with, whatever faults are on: every postback once.

        Columns received_date, transaction_id, postback_sequence_index, source_identifier and
        conversion_value, sorted by them.
        """
        sent = [s for s in self._sent if s.received_at.date() < self._clock.today]
        table = pa.table(
            {
                "received_date": pa.array([s.received_at.date() for s in sent], pa.date32()),
                "transaction_id": [s.fields["transaction-id"] for s in sent],
                "postback_sequence_index": pa.array(
                    [s.fields.get("postback-sequence-index", 0) for s in sent], pa.int64()
                ),
                "source_identifier": pa.array(
                    [s.fields.get("source-identifier") for s in sent], pa.string()
                ),
                "conversion_value": pa.array(
                    [s.fields.get("conversion-value") for s in sent], pa.int64()
                ),
            }
        )
        return table.sort_by([(name, "ascending") for name in table.column_names])

    @cached_property
    def _sent(self) -> list[_Sent]:
        """Every postback received on the days of the folder, in order of time, signed."""
        first = max(self.first_day - timedelta(days=50), self._market.start)
        (account_id,) = self._market.account_ids(_AD_PLATFORM)
        clicks = self._market.campaign_days(
            account_id, first, self._market.end, self._market.end + timedelta(days=1)
        )
        sent = []
        for row in clicks.select(["date", "campaign_id", "clicks"]).to_pylist():
            seed = [self._market.seed, 61, row["date"].toordinal(), int(row["campaign_id"])]
            rng = np.random.default_rng(seed)
            for _ in range(rng.poisson(row["clicks"] * _INSTALLS_A_CLICK)):
                sent += _postbacks(rng, row["date"], row["campaign_id"])
        chosen = (s for s in sent if self.first_day <= s.received_at.date() <= self._market.end)
        signed = [replace(s, body=_signed(s.fields, self._key)) for s in chosen]
        return sorted(signed, key=lambda s: (s.received_at, s.fields["transaction-id"]))

    def _lines(self, struck: set[str]) -> dict[date, list[_Sent]]:
        """What each day's file holds."""
        last = self._clock.today - timedelta(days=1)
        days = [d for d in self._market.days if self.first_day <= d <= last]
        files: dict[date, list[_Sent]] = {day: [] for day in days}
        for sent in self._sent:
            if sent.received_at.date() in files:
                files[sent.received_at.date()].append(sent)
        regular = {day: list(lines) for day, lines in files.items()}
        for day, lines in regular.items():
            following = files.get(day + timedelta(days=1))
            if "late_postback" in struck and lines and following is not None:
                files[day].remove(lines[-1])
                following.insert(0, lines[-1])
            if "resent_postback" in struck:
                for again in (timedelta(minutes=5), timedelta(days=1), timedelta(days=9)):
                    for sent in lines[:2]:
                        resent = replace(sent, received_at=sent.received_at + again)
                        files.get(resent.received_at.date(), []).append(resent)
        if "forged_signature" in struck and regular.get(last):
            files[last] = [*files[last], *self._forged(regular[last])]
        if "new_column" in struck:
            for day, lines in files.items():
                files[day] = [replace(s, body={**s.body, "privacy-tier": 2}) for s in lines]
        return files

    def _forged(self, lines: list[_Sent]) -> list[_Sent]:
        """A new postback of each framework that a stranger signed, an altered one, and no one."""
        stranger = _private_key(self._market.seed + 1)
        true = next(line for line in lines if not _is_aak(line.fields))
        id_ = "6aafb7a5-0170-41b5-bbe4-fe71dedf1e28"
        new = {**true.fields, "transaction-id": id_}
        altered = {**true.body, "transaction-id": "f9ac267a-a889-44ce-b5f7-0166d11461f0"}
        at = lines[0].received_at + timedelta(minutes=1)
        bodies = (
            {**new, "attribution-signature": sign(new, stranger)},
            {"jws-string": sign_jws({"postback-identifier": id_}, stranger)},
            *(altered, {"junk": 1}),
        )
        return [_Sent(at, {}, body) for body in bodies]


def sign(body: dict[str, Any], key: ec.EllipticCurvePrivateKey) -> str:
    """``attribution-signature`` of a postback: ECDSA over its version's fields, in base64."""
    if body["version"] == "4.0":
        names = ["version", "ad-network-id", "source-identifier", "app-id", "transaction-id"]
        names += ["redownload", "source-app-id", "source-domain", "fidelity-type", "did-win"]
        names += ["postback-sequence-index"]
    else:
        names = ["version", "ad-network-id", "campaign-id", "app-id", "transaction-id"]
        names += ["redownload", "source-app-id", "fidelity-type", "did-win"]
    values = [body[name] for name in names if name in body]
    texts = ["true" if v is True else "false" if v is False else str(v) for v in values]
    # deterministic, so that the same seed gives the same bytes
    scheme = ec.ECDSA(SHA256(), deterministic_signing=True)
    return b64encode(key.sign("\u2063".join(texts).encode(), scheme)).decode()


def sign_jws(payload: dict[str, Any], key: ec.EllipticCurvePrivateKey, **header: object) -> str:
    """A compact JWS over a payload, ES256, as Apple makes it for AdAttributionKit."""
    parts = ({"kid": "apple-cas-identifier/0", "alg": "ES256"} | header, payload)
    signed = b".".join(map(_base64url, map(orjson.dumps, parts)))
    scheme = ec.ECDSA(SHA256(), deterministic_signing=True)
    halves = decode_dss_signature(key.sign(signed, scheme))
    signature = b"".join(number.to_bytes(32) for number in halves)
    return b".".join((signed, _base64url(signature))).decode()


def _signed(fields: dict[str, Any], key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    if not _is_aak(fields):
        return {**fields, "attribution-signature": sign(fields, key)}
    renamed = {
        "postback-identifier": fields["transaction-id"],
        "postback-sequence-index": fields["postback-sequence-index"],
        "source-identifier": fields["source-identifier"],
        "advertised-item-identifier": fields["app-id"],
        "publisher-item-identifier": fields.get("source-app-id"),
        "ad-network-identifier": AAK_NETWORK_ID,
        "marketplace-identifier": "com.apple.AppStore",
        "impression-type": "app-impression",
        "conversion-type": _conversion_type(fields),
        "did-win": fields["did-win"],
    }
    payload = {name: value for name, value in renamed.items() if value is not None}
    values = ("conversion-value", "coarse-conversion-value")
    return {
        "jws-string": sign_jws(payload, key),
        **{name: fields[name] for name in values if name in fields},
        "ad-interaction-type": ("view", "click")[fields["fidelity-type"]],
    }


def _is_aak(fields: dict[str, Any]) -> bool:
    return fields["version"] == "4.0" and _byte(fields, 0) < _AAK_BELOW


def _conversion_type(fields: dict[str, Any]) -> str:
    if _byte(fields, 1) < _RE_ENGAGED_BELOW:
        return "re-engagement"
    return "redownload" if fields["redownload"] else "download"


def _byte(fields: dict[str, Any], position: int) -> int:
    return uuid.UUID(fields["transaction-id"]).bytes[position]


def _base64url(content: bytes) -> bytes:
    return urlsafe_b64encode(content).rstrip(b"=")


def _private_key(seed: int) -> ec.EllipticCurvePrivateKey:
    digest = hashlib.sha256(f"adcanary sandbox {seed}".encode()).digest()
    return ec.derive_private_key(int.from_bytes(digest[:31], "big"), ec.SECP256R1())


def _postbacks(rng: np.random.Generator, day: date, campaign_id: str) -> list[_Sent]:
    """The postbacks of one install, unsigned: up to three of version 4, one of those before."""
    launched = datetime.combine(day, time(), UTC) + timedelta(seconds=int(rng.integers(_SECONDS)))
    version = str(rng.choice(["4.0", "3.0", "2.2"], p=[0.7, 0.2, 0.1]))
    source_app = _SOURCE_APPS[int(rng.integers(3))]
    shared: dict[str, Any] = {
        "version": version,
        "ad-network-id": NETWORK_ID,
        "transaction-id": str(uuid.UUID(bytes=rng.bytes(16), version=4)),
        "app-id": _APP_ID,
        "redownload": bool(rng.random() < 0.15),
        "fidelity-type": int(rng.integers(2)),
    }
    if source_app:
        shared["source-app-id"] = source_app
    if version != "2.2":
        shared["did-win"] = True
    if version != "4.0":
        body = {**shared, "campaign-id": int(campaign_id) % 99 + 1}
        if rng.random() < 0.6:
            body["conversion-value"] = int(rng.integers(64))
        delay = timedelta(hours=24 + 24 * float(rng.random()))
        return [_Sent(_whole(launched + delay), body)]
    sent = []
    # the more people, the more digits, from the last; leading zeros belong to them
    identifier = f"07{int(campaign_id) // 1_000_000 % 100:02d}"[-int(rng.integers(2, 5)) :]
    for index, (window_end, longest, chance) in enumerate(_SENT):
        if rng.random() >= chance:
            break
        body = {**shared, "postback-sequence-index": index, "source-identifier": identifier}
        if index == 0 and len(identifier) == 4:
            body["conversion-value"] = int(rng.integers(64))
        else:
            body["source-identifier"] = identifier if index == 0 else identifier[-2:]
            body["coarse-conversion-value"] = ("low", "medium", "high")[int(rng.integers(3))]
        delay = timedelta(days=window_end, hours=24 + (longest - 24) * float(rng.random()))
        sent.append(_Sent(_whole(launched + delay), body))
    return sent


def _whole(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def _content(lines: list[_Sent], struck: set[str]) -> bytes:
    """The lines of a file, with the faults that break it."""
    written: list[dict[str, Any]] = [
        {"received_at": s.received_at.isoformat().replace("+00:00", "Z"), "body": s.body}
        for s in lines
    ]
    if "missing_column" in struck:
        written[-1].pop("received_at")
    if "wrong_type" in struck:
        written[-1]["received_at"] = int(lines[-1].received_at.timestamp())
    content = b"".join(orjson.dumps(line) + b"\n" for line in written)
    if "half_line" in struck:
        content = content[:-40]
    if "truncated_file" in struck:
        content = gzip.compress(content, mtime=0)
        content = content[: len(content) // 2]
    return content
