"""Secrets that exist outside every backup of the database, so that destroying one is final.

One 0600 file for each organisation and person, 32 bytes. An organisation's key is wrapped under the root key
*and* this secret; what is personal in the audit trail is sealed under the person's secret. A dump therefore
holds neither. Destroying overwrites and removes the file and leaves a note that it was destroyed, so nobody
makes it anew: from then on neither the database nor any older dump of it can be opened, whoever has the root
or the recovery key. Why it is made this way: docs/adr/0006.

`SENT_VAULT` names another folder (a volume that several hosts share), `SENT_VAULT_COPY` a second one that is
kept equal; a copy that keeps versions would keep what was destroyed.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from uuid import UUID

from sent.platform.config.paths import secret_dir
from sent.platform.config.secrets import option, read_private, replace_private, secret_file, sync_folder
from sent.platform.errors import NotFound

DESTROYED = ".destroyed"
RECOVERY = "recovery.json"


class Vault:
    """The secrets in one folder and its copy."""

    def __init__(self, folder: Path | None = None, copy: Path | None = None) -> None:
        chosen, second = option("vault"), option("vault_copy")
        self.folder = folder or (Path(chosen) if chosen else secret_dir() / "vault")
        self.copy = copy or (Path(second) if second else None)

    def secret(self, owner: UUID) -> bytes:
        """Return the owner's secret, made at first use; raises NotFound when it was destroyed."""
        if self.destroyed(owner):
            raise NotFound("crypto.destroyed", "the key of these values was destroyed: nobody can read them")
        _made(self.folder)
        text = secret_file(owner.hex, lambda: secrets.token_hex(32), self.folder)
        if self.destroyed(owner):  # meanwhile
            self.destroy(owner)
            return self.secret(owner)
        if self.copy is not None:
            _made(self.copy)
            if not (self.copy / owner.hex).exists():
                replace_private(self.copy / owner.hex, text)
        return bytes.fromhex(text)

    def find(self, owner: UUID) -> bytes:
        """Return the owner's secret; raises NotFound when there is none (any more)."""
        for folder in self._folders():
            if not self.destroyed(owner) and (folder / owner.hex).exists():
                return bytes.fromhex(read_private(folder / owner.hex))
        raise NotFound("crypto.destroyed", "the key of these values was destroyed or is not on this machine")

    def destroy(self, owner: UUID) -> None:
        """Remove the owner's secret for good; doing it again changes nothing."""
        for folder in self._folders():
            _made(folder)
            if not (folder / (owner.hex + DESTROYED)).exists():
                replace_private(folder / (owner.hex + DESTROYED), "destroyed")
        for folder in self._folders():
            path = folder / owner.hex
            if path.exists():
                with path.open("r+b") as file:
                    file.write(secrets.token_bytes(path.stat().st_size))
                    file.flush()
                    os.fsync(file.fileno())
                path.unlink()
                sync_folder(folder)

    def destroyed(self, owner: UUID) -> bool:
        """Say whether the owner's secret was destroyed."""
        return any((folder / (owner.hex + DESTROYED)).exists() for folder in self._folders())

    def all_destroyed(self) -> list[UUID]:
        """Return whose secrets were destroyed: what a restored backup must be cleared of again."""
        if not self.folder.is_dir():
            return []
        return sorted(UUID(path.stem) for path in self.folder.glob(f"*{DESTROYED}"))

    def write(self, name: str, text: str) -> None:
        """Keep a file of the vault's own (the wrapped recovery copy of the root)."""
        for folder in self._folders():
            _made(folder)
            replace_private(folder / name, text)

    def read(self, name: str) -> str | None:
        """Return such a file's text, or None."""
        for folder in self._folders():
            if (folder / name).exists():
                return read_private(folder / name)
        return None

    def _folders(self) -> list[Path]:
        return [self.folder] + ([self.copy] if self.copy is not None else [])


def _made(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
