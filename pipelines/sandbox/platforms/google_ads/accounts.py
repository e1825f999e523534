"""The simulated Google Ads accounts: two managers, those of the market, and a closed one."""

from __future__ import annotations

from pipelines.sandbox.market.market import AdAccount, Market
from pipelines.sandbox.serving.faults import Faults

MANAGER_ID = "9000000001"
REGIONAL_MANAGER_ID = "9000000002"
CLOSED_ID = "3456789012"
FIRST_ID = "1234567890"  # of the market's

_CURRENCY, _NEW_YORK, _BERLIN = "USD", "America/New_York", "Europe/Berlin"
_MANAGERS = (
    AdAccount("google_ads", MANAGER_ID, "Canary (manager)", _CURRENCY, _NEW_YORK),
    AdAccount("google_ads", REGIONAL_MANAGER_ID, "Canary Europe (manager)", _CURRENCY, _BERLIN),
)
_CLOSED = AdAccount("google_ads", CLOSED_ID, "Canary UK", "GBP", "Europe/London")


class AccountTree:
    """Who is under whom: accounts in Europe are under the regional manager, it under the other."""

    def __init__(self, market: Market, faults: Faults) -> None:
        mine = (a for a in market.accounts if a.platform == "google_ads")
        self._accounts = {a.account_id: a for a in (*_MANAGERS, *mine, _CLOSED)}
        self._faults = faults

    def __getitem__(self, account_id: str) -> AdAccount:
        return self._accounts[account_id]

    def may_read(self, login_id: str, account_id: str) -> bool:
        """Whether who logs in under one account sees another."""
        return account_id in self._accounts and login_id in self._line(account_id)

    def is_manager(self, account_id: str) -> bool:
        return account_id in (MANAGER_ID, REGIONAL_MANAGER_ID)

    def status(self, account_id: str) -> str:
        """ENABLED or CLOSED, as customer_client.status."""
        closed = account_id == CLOSED_ID or self._faults.strikes("account_closed", account_id)
        return "CLOSED" if closed else "ENABLED"

    def under(self, account_id: str) -> list[tuple[AdAccount, int]]:
        """The account itself (level 0) and all that are under it, each with its level."""
        levels = []
        for account in self._accounts.values():
            line = self._line(account.account_id)
            if account_id in line:
                levels.append((account, line.index(account_id)))
        return levels

    def _line(self, account_id: str) -> list[str]:
        """The account and the managers above it, going up."""
        if account_id == MANAGER_ID:
            return [MANAGER_ID]
        if account_id == REGIONAL_MANAGER_ID or not self[account_id].time_zone.startswith("Europe"):
            return [account_id, MANAGER_ID]
        return [account_id, REGIONAL_MANAGER_ID, MANAGER_ID]
