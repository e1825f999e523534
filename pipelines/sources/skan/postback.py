"""One reception of a postback, of SKAdNetwork or AdAttributionKit: its key, and its fields as
columns.

Apple, "Identifying the parameters in install-validation postbacks" and "Identifying the parameters
in a postback", and on both sides "Receiving postbacks in multiple conversion windows".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from pipelines.sources.skan import jws
from pipelines.sources.skan.signature import SIGNED, is_signed, text

SKADNETWORK, ADATTRIBUTIONKIT = "skadnetwork", "adattributionkit"
# Days after the first launch, or the re-engagement, that a postback covers, by its index.
CONVERSION_WINDOWS = ((0, 2), (3, 7), (8, 35))
_MULTIPLE = "4.0"
_INDEXES = {"0", "1", "2"}
_JWS = "jws-string"
# column → the field of a SKAdNetwork postback, as text, whatever JSON type it has: a copy may have
# another
_SKADNETWORK = {
    "version": "version",
    "ad_network_id": "ad-network-id",
    "campaign_id": "campaign-id",
    "source_identifier": "source-identifier",
    "app_id": "app-id",
    "source_app_id": "source-app-id",
    "source_domain": "source-domain",
    "fidelity_type": "fidelity-type",
    "redownload": "redownload",
    "did_win": "did-win",
}
# column → the field of an AdAttributionKit postback's signed payload
_ADATTRIBUTIONKIT = {
    "ad_network_id": "ad-network-identifier",
    "source_identifier": "source-identifier",
    "app_id": "advertised-item-identifier",
    "source_app_id": "publisher-item-identifier",
    "source_domain": "source-domain",
    "did_win": "did-win",
    "conversion_type": "conversion-type",
    "impression_type": "impression-type",
    "marketplace_id": "marketplace-identifier",
}
_UNSIGNED = {
    "conversion_value": "conversion-value",
    "coarse_conversion_value": "coarse-conversion-value",
    "ad_interaction_type": "ad-interaction-type",
    "country_code": "country-code",
}
_KNOWN = {
    *(*_SKADNETWORK.values(), *_UNSIGNED.values(), "transaction-id", "postback-sequence-index"),
    *("attribution-signature", "received_at", _JWS),
}
_KNOWN_SIGNED = {*_ADATTRIBUTIONKIT.values(), "postback-identifier", "postback-sequence-index"}
_REQUIRED = ("postback-identifier", "ad-network-identifier", "advertised-item-identifier")
# what a column may hold: its name for a reader, and the rule
_POSSIBLE: dict[str, tuple[str, Callable[[str], bool]]] = {
    "campaign_id": (
        "a campaign that is none of 1 to 100",
        lambda value: re.fullmatch(r"[1-9][0-9]?|100", value) is not None,
    ),
    "fidelity_type": (
        "a fidelity type that is none of 0, 1",
        lambda value: value in ("0", "1"),
    ),
    "source_identifier": (
        "a source identifier that isn't 2 to 4 digits",
        lambda value: re.fullmatch(r"[0-9]{2,4}", value) is not None,
    ),
    "conversion_value": (
        "a conversion value that is none of 0 to 63",
        lambda value: re.fullmatch(r"[0-9]|[1-5][0-9]|6[0-3]", value) is not None,
    ),
    "coarse_conversion_value": (
        "a coarse conversion value that is none of low, medium, high",
        lambda value: value in ("low", "medium", "high"),
    ),
    "conversion_type": (
        "a conversion type that is none of download, redownload, re-engagement",
        lambda value: value in ("download", "redownload", "re-engagement"),
    ),
    "ad_interaction_type": (
        "an interaction that is none of view, click",
        lambda value: value in ("view", "click"),
    ),
    "country_code": (
        "a country that isn't two letters",
        lambda value: re.fullmatch(r"[A-Z]{2}", value) is not None,
    ),
}
_SIGNED_FLAGS = ("did-win", "redownload")
_FINE, _COARSE = "conversion_value", "coarse_conversion_value"


@dataclass(frozen=True)
class Postback:
    """One reception. ``where`` is its file and line; ``body`` what was posted."""

    received_at: datetime
    where: str
    body: dict[str, Any]

    @property
    def received_date(self) -> date:
        return self.received_at.date()

    @property
    def framework(self) -> str:
        return ADATTRIBUTIONKIT if _JWS in self.body else SKADNETWORK

    @cached_property
    def key(self) -> tuple[str, str, int]:
        """What makes it one postback, however often it is sent; -1 for an impossible index."""
        id_ = "transaction-id" if self.framework == SKADNETWORK else "postback-identifier"
        index = text(self._signed.get("postback-sequence-index"))
        if not self._has_windows:
            index = "0"
        return self.framework, text(self._signed.get(id_)), int(index) if index in _INDEXES else -1

    def problem(self, key: EllipticCurvePublicKey, *, any_key_id: bool) -> str | None:
        """Why it is not a postback of Apple's; None for one that is.

        Args:
            any_key_id: the key stands in Apple's place, under whatever name.
        """
        if self.framework == ADATTRIBUTIONKIT:
            if problem := jws.problem(self.body[_JWS], key, any_key_id=any_key_id):
                return problem
            wanting = any(self._signed.get(name) in (None, "") for name in _REQUIRED)
            if wanting or not isinstance(self._signed.get("did-win"), bool) or self.key[2] < 0:
                return "its signed payload lacks what Apple sends"
            return None
        return self._problem_of_skadnetwork(key)

    def _problem_of_skadnetwork(self, key: EllipticCurvePublicKey) -> str | None:
        if "attribution-signature" not in self.body:
            return "it is neither SKAdNetwork's nor AdAttributionKit's"
        if text(self.body.get("version")) not in SIGNED:
            return f"its SKAdNetwork version is none of {', '.join(SIGNED)}"
        if not is_signed(self.body, key):
            return "its attribution-signature is not Apple's"
        flags = {text(self.body.get(name, True)) for name in _SIGNED_FLAGS}
        if not flags <= {"true", "false"} or self.key[2] < 0:
            return "its signed fields aren't what Apple sends"
        return None

    def columns(self) -> tuple[dict[str, Any], list[str]]:
        """The postback's columns, and what was taken out of them because it can't be.

        Conversion values aren't signed: whoever knows the endpoint may post a copy with others.
        Apple sends a fine value with the first postback only, never a coarse one beside it, and
        neither to a network of SKAdNetwork's that didn't win.
        """
        names = _SKADNETWORK if self.framework == SKADNETWORK else _ADATTRIBUTIONKIT
        values = {name: _text(self._signed.get(field)) for name, field in names.items()}
        values |= {name: _text(self.body.get(field)) for name, field in _UNSIGNED.items()}
        impossible = []
        for name, (what, is_possible) in _POSSIBLE.items():
            value = values.get(name)
            if value is not None and not is_possible(value):
                values[name] = None
                impossible.append(what)
        if values[_FINE] and values[_COARSE]:
            values[_FINE] = values[_COARSE] = None
            impossible.append("a fine and a coarse conversion value at once")
        lost = self.framework == SKADNETWORK and values["did_win"] == "false"
        if lost and (values[_FINE] or values[_COARSE]):
            values[_FINE] = values[_COARSE] = None
            impossible.append("a conversion value of a postback that didn't win")
        if values[_FINE] and self.key[2] > 0:
            values[_FINE] = None
            impossible.append("a fine conversion value after the first postback")
        if values[_COARSE] and not self._has_windows:
            values[_COARSE] = None
            impossible.append("a coarse conversion value before version 4")
        return {**values, **self._derived(values)}, impossible

    def unknown(self) -> dict[str, str | None]:
        """Fields that nobody knows, as texts."""
        fields = {name: self.body[name] for name in self.body if name not in _KNOWN}
        if self.framework == ADATTRIBUTIONKIT:
            signed = self._signed
            fields |= {name: signed[name] for name in signed if name not in _KNOWN_SIGNED}
        return {name: _text(value) for name, value in fields.items()}

    def _derived(self, values: dict[str, str | None]) -> dict[str, Any]:
        first, last = CONVERSION_WINDOWS[self.key[2]] if self._has_windows else (None, None)
        fine = values[_FINE]
        derived: dict[str, Any] = {
            "framework": self.framework,
            "transaction_id": self.key[1],
            "postback_sequence_index": self.key[2],
            "conversion_day_first": first,
            "conversion_day_last": last,
            "conversion_value": None if fine is None else int(fine),
        }
        if self.framework == SKADNETWORK:
            again = values["redownload"] == "true"
            # before version 3 only the winner was notified
            did_win = values["did_win"] or "true"
            return {
                **derived,
                "did_win": did_win,
                "conversion_type": "redownload" if again else "download",
            }
        kind, app = values["conversion_type"], values["source_app_id"]
        redownloads = {"download": "false", "redownload": "true"}
        return {
            **derived,
            "redownload": redownloads.get(kind or ""),
            # no app showed it
            "source_app_id": None if app == "0" else app,
        }

    @property
    def _has_windows(self) -> bool:
        return self.framework == ADATTRIBUTIONKIT or text(self.body.get("version")) == _MULTIPLE

    @cached_property
    def _signed(self) -> dict[str, Any]:
        """The fields that Apple signs, verified or not."""
        if self.framework == SKADNETWORK:
            return self.body
        return jws.payload(self.body[_JWS]) or {}


def _text(value: object) -> str | None:
    return None if value is None else text(value)
