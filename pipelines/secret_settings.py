"""Secrets come from the environment alone. What reads it takes long to import: few commands do."""

from __future__ import annotations

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipelines.errors import ConfigError
from pipelines.plain_text import remember_secrets
from pipelines.source_settings import SourceSecrets


class Secrets(SourceSecrets, BaseSettings):
    """Every secret, read from the environment only (``ADCANARY_HASH_SALT``, …).

    Whatever is read is masked in errors and logs from then on.
    """

    model_config = SettingsConfigDict(env_prefix="ADCANARY_", extra="ignore", frozen=True)

    hash_salt: SecretStr | None = None
    review_key: SecretStr | None = None
    oidc_client_secret: SecretStr | None = None
    slack_webhook: SecretStr | None = None
    slack_signing_secret: SecretStr | None = None

    def model_post_init(self, _: object) -> None:
        values = (value for _, value in self if isinstance(value, SecretStr))
        remember_secrets(*(value.get_secret_value() for value in values))

    def require(self, name: str) -> str:
        """The secret's value.

        Raises:
            ConfigError: it isn't set; names the variable.
        """
        secret: SecretStr | None = getattr(self, name)
        if secret is None or not secret.get_secret_value():
            raise ConfigError(
                f"The secret {name} is not set.",
                kept="nothing was read or written.",
                fix=f"Set the environment variable ADCANARY_{name.upper()}.",
            )
        return secret.get_secret_value()
