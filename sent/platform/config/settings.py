"""Settings of this machine: file < environment < flags.

The file is `sent.toml` in the config folder; the environment uses `SENT_` and the upper-case name. A value
that cannot be taken is refused with the place it came from. Secrets have no setting: they live in files of
their own (`sent.platform.config.secrets`).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from sent.platform.config import paths
from sent.platform.errors import Invalid


class Settings(BaseSettings):
    """What an administrator may set for the processes of this machine."""

    model_config = SettingsConfigDict(env_prefix="SENT_", extra="ignore", frozen=True)

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    grace_s: float = Field(default=25.0, ge=0, le=600)
    """Seconds a worker may use to finish its work after SIGTERM."""
    log_roots: tuple[str, ...] = ("/var/log",)
    """Folders whose files sources may name although not everybody may read them."""
    tls_dir: str | None = None
    """Folder of the certificates and keys that sources name (default: `tls` in the config folder)."""
    health_port: int | None = Field(default=None, ge=1, le=65535)
    """Loopback port of the probes (default: a unix socket in the runtime folder)."""

    nats_url: str | None = None
    """The site's message server (`nats://...`, `tls://host:4222`); without one workers follow the outbox."""
    nats_credentials: str | None = None
    """File of the message server's credentials."""

    backup_dir: str | None = None
    """Folder of backups and of the database's archived log (default: `backups` in the state folder)."""
    backup_every_h: float = Field(default=24, gt=0, le=24 * 30)
    backup_after_s: float = Field(default=600, ge=0)
    """How long the database is up before the first backup is made."""
    backup_keep_days: float = Field(default=7, ge=1, le=3650)
    snapshot_keep_days: float = Field(default=30, ge=1, le=3650)
    """Of the snapshots that are made before each migration."""
    verify_every_h: float = Field(default=168, gt=0)
    """How often the newest backup is restored beside the database and compared."""
    disk_warn_mb: int = Field(default=1024, ge=1)
    """Free space of the database's disk below which it says so and makes no backups."""
    query_limit_s: float = Field(default=120, ge=1)
    """After this a query of staff is ended, whatever its own limit says."""
    idle_limit_s: float = Field(default=120, ge=1)
    """After this a session of staff that keeps a transaction open and does nothing is closed."""
    block_limit_s: float = Field(default=2, ge=0.5)
    """So long others may wait for a lock of a session of staff that does nothing; then it is closed. Services
    give up after 5 s."""
    busy_block_limit_s: float = Field(default=10, ge=1)
    """The same for a transaction that is at work: how old it may be while others wait longer than that."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags win over the environment, the environment over the file."""
        file = TomlConfigSettingsSource(settings_cls, toml_file=paths.config_dir() / "sent.toml")
        return init_settings, env_settings, file


def load(**flags: object) -> Settings:
    """Return the settings; `flags` that are None count as not given.

    Raises Invalid naming each wrong setting, its value's problem and the file.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # values are validated, not typed, at run time
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors()
        )
        place = paths.config_dir() / "sent.toml"
        raise Invalid("settings.invalid", f"wrong settings ({place} or SENT_...): {problems}") from None
    except ValueError as error:
        raise Invalid("settings.file", f"{paths.config_dir() / 'sent.toml'}: {error}") from error
