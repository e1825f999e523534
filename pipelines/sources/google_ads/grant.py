"""What a Google Ads login may do: the one scope there is reads and writes, so the role decides.

https://developers.google.com/google-ads/api/docs/oauth/overview has the scope,
https://support.google.com/google-ads/answer/9978556 the roles; read on 2026-11-30.
"""

from __future__ import annotations

from google.ads.googleads.v26.enums.types.access_role import AccessRoleEnum

from pipelines.errors import CredentialRefused, SourceRejected
from pipelines.sources.base import Grant
from pipelines.sources.google_ads.api import GoogleAdsApi

_ROLES = {role.value: role.name for role in AccessRoleEnum.AccessRole}
_READING = {"READ_ONLY", "EMAIL_ONLY"}
_WHO = (
    "Google says whose token it is only where it also has the scope "
    "https://www.googleapis.com/auth/userinfo.email"
)


def read_grant(api: GoogleAdsApi, account_id: str, login: str) -> Grant:
    """The token's scopes, and the role that its user has on the account it logs in under.

    Args:
        login: the manager, or the account itself.

    Raises:
        SourceUnavailable, SourceRejected: the token can't be asked about.
    """
    about = api.token(account_id)
    scopes = frozenset(str(about.get("scope", "")).split())
    try:
        listed = api.ask(account_id, "user_access", customer_id=login)
    except CredentialRefused:
        raise
    except SourceRejected:
        return Grant(scopes, note=f"the users of {login} can't be listed with this token")
    emails = listed["customer_user_access.email_address"]
    roles = [_ROLES.get(role, "UNKNOWN") for role in listed["customer_user_access.access_role"]]
    changing = [role for role in roles if role not in _READING]
    if not changing:
        role = roles[0] if roles else None
        return Grant(scopes, role, False if roles else None, note=f"{login} names no users")
    email = str(about.get("email", "")).casefold()
    if not email:
        note = f"{_WHO}; {len(changing)} of {len(roles)} users of {login} may change campaigns"
        return Grant(scopes, note=note)
    own = {e.casefold(): role for e, role in zip(emails, roles, strict=True)}.get(email)
    if own is None:
        return Grant(scopes, note=f"the token's user is none of {login}, but of a manager above it")
    return Grant(scopes, own, own not in _READING)
