"""Scores the identity of a sandbox's warehouse against the sandbox's truth, pair by pair.

Two identifiers of one person are a pair. Only the devices, orders and e-mail addresses that
``marts.identity_map`` holds and the truth knows are counted: without consent nothing landed, and
no identity could join it. The CRM's leads have addresses of people whom the shop's truth doesn't
know; the score says how many were left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from pipelines.config import Settings
from pipelines.errors import InputError, StatementError, UsageError
from pipelines.privacy.hashing import hash_email
from pipelines.privacy.salt import check_salt
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.market.visitors import IdentityTruth, identity_truth
from pipelines.secret_settings import Secrets
from pipelines.warehouse import Warehouse

SANDBOX_SALT = "sandbox-salt"  # not a secret: it only hashes made-up people
_EXPORT_STATE = ".export.json"
_NODES = """SELECT node_type, node_id, person_id FROM marts.identity_map
WHERE node_type IN ('device', 'order', 'email_hash') ORDER BY node_type, node_id"""
_DEVICES = """SELECT DISTINCT client_key, user_pseudo_id AS client_id FROM staging.stg_ga4__events
WHERE client_key IS NOT NULL
UNION DISTINCT SELECT DISTINCT client_key, client_id FROM staging.stg_server__events
WHERE client_key IS NOT NULL"""
_LINKS = """SELECT node_id AS client_key, probable_person_id FROM marts.identity_links
WHERE node_type = 'device'"""
_RUNS = "SELECT verdict, reason FROM contracts.job_runs WHERE job = 'identity_links'"

Node = tuple[str, str]


@dataclass(frozen=True)
class PairScore:
    """Pairwise agreement; a share of no pairs is None.

    Args:
        pairs: pairs that the identity joins.
        true_pairs: pairs that are one person's.
        right: pairs that are both.
    """

    pairs: int
    true_pairs: int
    right: int

    @property
    def precision(self) -> float | None:
        return self.right / self.pairs if self.pairs else None

    @property
    def recall(self) -> float | None:
        return self.right / self.true_pairs if self.true_pairs else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of precision and recall."""
        total = self.pairs + self.true_pairs
        return 2 * self.right / total if total else None


@dataclass(frozen=True)
class IdentityScore:
    """The score of a warehouse's identity; both mappings have the keys ``all`` and ``devices``.

    Args:
        nodes: identifiers scored; ``unknown`` more are not in the truth.
        links: devices that a probable link gives a person; None if the job has no result.
        with_links: scores that include those; empty if there are none.
    """

    nodes: int
    unknown: int
    threshold: float
    links: int | None
    deterministic: Mapping[str, PairScore]
    with_links: Mapping[str, PairScore]


def score_pairs(
    persons: Mapping[Node, Hashable], truth: Mapping[Node, Hashable], nodes: Iterable[Node]
) -> PairScore:
    """Pairs among ``nodes`` that ``persons`` and ``truth`` join, counted from group sizes."""
    chosen = list(nodes)

    def pairs(groups: Iterable[Hashable]) -> int:
        return sum(n * (n - 1) // 2 for n in Counter(groups).values())

    return PairScore(
        pairs=pairs(persons[node] for node in chosen),
        true_pairs=pairs(truth[node] for node in chosen),
        right=pairs((persons[node], truth[node]) for node in chosen),
    )


def score_identity(
    warehouse: Warehouse, settings: Settings, threshold: float | None = None
) -> IdentityScore:
    """Score ``marts.identity_map``, alone and with the probable persons of its devices.

    Those are in ``marts.identity_links``, at the configured probability. With ``threshold``, they
    are what that mart would hold at that probability, to try one before it is configured.

    Raises:
        UsageError: the warehouse is not a sandbox's.
        StatementError: the models are not built.
    """
    market = Market(**market_arguments(settings, "identity"))
    salt = Secrets().hash_salt
    known_salt = salt.get_secret_value() if salt else SANDBOX_SALT
    check_salt(warehouse, known_salt)
    try:
        rows = warehouse.query(_NODES).to_pylist()
        clients = warehouse.query(_DEVICES).to_pylist()
        linked = _probable(warehouse, threshold)
    except StatementError as error:
        raise StatementError(
            f"The identity marts can't be read: {error.message}",
            kept="nothing was changed.",
            fix="Run `adcanary build` to build the marts, then run this again.",
        ) from error
    truth = _by_node(identity_truth(market), clients, known_salt)
    persons = {(r["node_type"], _own_id(r)): r["person_id"] for r in rows}
    nodes = [node for node in persons if node in truth]
    joined = {
        (kind, id_): (linked or {}).get(id_, person) if kind == "device" else person
        for (kind, id_), person in persons.items()
    }
    return IdentityScore(
        nodes=len(nodes),
        unknown=len(persons) - len(nodes),
        threshold=settings.identity.match_probability if threshold is None else threshold,
        links=None if linked is None else len(linked),
        deterministic=_scores(persons, truth, nodes),
        with_links={} if linked is None else _scores(joined, truth, nodes),
    )


def _scores(
    persons: Mapping[Node, Hashable], truth: Mapping[Node, Hashable], nodes: list[Node]
) -> dict[str, PairScore]:
    devices = [node for node in nodes if node[0] == "device"]
    return {
        "all": score_pairs(persons, truth, nodes),
        "devices": score_pairs(persons, truth, devices),
    }


def market_arguments(settings: Settings, scored: str) -> dict[str, Any]:
    """The arguments of the market whose export the configuration reads."""
    source = settings.sources.ga4_export
    path = Path(str(source.path)) / _EXPORT_STATE if source and source.path else None
    if path is None or not path.is_file():
        raise UsageError(
            f"This warehouse is not a sandbox's: there is no truth to score its {scored} against.",
            kept="nothing was read.",
            fix="Pass the --config of `adcanary sandbox demo` or `sandbox serve`, or a file.",
        )
    try:
        state = orjson.loads(path.read_bytes())
        return {
            "seed": int(state["seed"]),
            "start": date.fromisoformat(state["start"]),
            "end": date.fromisoformat(state["end"]),
            "scale": float(state["scale"]),
        }
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is not a file that the sandbox wrote: {error}",
            kept="nothing was read.",
            fix="Start the sandbox in that folder again.",
        ) from error


def _by_node(truth: IdentityTruth, clients: list[dict[str, Any]], salt: str) -> dict[Node, int]:
    """The true person by node of identity_map, as far as the truth goes."""
    known: dict[Node, int] = {("order", order): person for order, person in truth.orders.items()}
    for row in clients:
        if row["client_id"] in truth.devices:
            known["device", row["client_key"]] = truth.devices[row["client_id"]]
    for address, person in truth.emails.items():
        if hashed := hash_email(address, salt):
            known["email_hash", hashed] = person
    return known


def _own_id(row: Mapping[str, str]) -> str:
    """A node's id; for an order, the id within its shop."""
    return row["node_id"].rpartition("|")[2] if row["node_type"] == "order" else row["node_id"]


def _probable(warehouse: Warehouse, threshold: float | None) -> dict[str, str] | None:
    """Device → probable person; None if no run of the job has a result to use."""
    if not any(run["verdict"] == "PASS" for run in warehouse.query(_RUNS).to_pylist()):
        return None
    if threshold is None:
        rows = warehouse.query(_LINKS).to_pylist()
    else:
        sql = (Path(__file__).parent / "probable_persons.sql").read_text()
        rows = warehouse.query(sql, {"threshold": threshold}).to_pylist()
    return {row["client_key"]: row["probable_person_id"] for row in rows}
