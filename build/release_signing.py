"""Signed metadata of a repository: TUF's four roles, root by two of three."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import release_keys as keys
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

DAYS = {"root": 730, "targets": 365, "snapshot": 7, "timestamp": 1}
THRESHOLD = 2


def expiry(role: str, days: float | None = None) -> datetime.datetime:
    """Return when metadata signed now ends."""
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    return now + datetime.timedelta(days=DAYS[role] if days is None else days)


class Metadatas:
    """The metadata folder of one repository and the keys that sign it."""

    def __init__(self, repository: Path, keys_folder: Path) -> None:
        self.repository = repository
        self.folder = repository / "metadata"
        self.keys = keys_folder

    def begin(self, secret: bytes | None) -> None:
        """The ceremony: make all keys and the first root; refuses where there is one."""
        if self.folder.exists():
            raise SystemExit(f"release: {self.folder} is there already")
        self.folder.mkdir(parents=True)
        root = Root(expires=expiry("root"), consistent_snapshot=True)
        signers = [keys.make(self.keys, role, secret) for role in keys.ROLES]
        for role, signer in zip(keys.ROLES, signers, strict=True):
            root.add_key(signer.public_key, role.rstrip("123"))
        root.roles["root"].threshold = THRESHOLD
        self._save_root(Metadata(root), signers[:3])
        self.save("targets", _unsigned(Targets()))
        self.publish()

    def latest(self, role: str) -> Metadata[Any]:
        """Return the newest metadata of a role."""
        if role == "timestamp":
            return Metadata.from_file(str(self.folder / "timestamp.json"))
        found = sorted(self.folder.glob(f"*.{role}.json"), key=lambda path: int(path.name.split(".")[0]))
        if not found:
            raise SystemExit(f"release: there is no {role} in {self.folder}; begin with `init`")
        return Metadata.from_file(str(found[-1]))

    def save(self, role: str, made: Metadata[Any], days: float | None = None) -> None:
        """Sign and write the next version of a role."""
        made.signed.version += 1
        made.signed.expires = expiry(role, days)
        made.sign(keys.one(self.keys, role))
        name = "timestamp.json" if role == "timestamp" else f"{made.signed.version}.{role}.json"
        _write(self.folder / name, made.to_bytes())

    def put(self, path: str, data: dict[str, Any]) -> None:
        """Sign a target; it is offered after the next `publish`."""
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
        info = TargetFile.from_data(path, text, ["sha256"])
        folder, _, name = path.rpartition("/")
        target = self.repository / "targets" / folder / f"{info.hashes['sha256']}.{name}"
        _write(target, text)
        made = self.latest("targets")
        made.signed.targets[path] = info
        self.save("targets", made)

    def get(self, path: str) -> dict[str, Any] | None:
        """Return a signed target's content."""
        info = self.latest("targets").signed.targets.get(path)
        if info is None:
            return None
        folder, _, name = path.rpartition("/")
        read: dict[str, Any] = json.loads(self.file(folder, info.hashes["sha256"], name).read_bytes())
        return read

    def file(self, folder: str, digest: str, name: str) -> Path:
        """Return where a target's bytes are."""
        return self.repository / "targets" / folder / f"{digest}.{name}"

    def publish(self, days: float | None = None) -> None:
        """Offer what was signed: the next snapshot and timestamp."""
        targets = self.latest("targets")
        there = any(self.folder.glob("*.snapshot.json"))
        snapshot = self.latest("snapshot") if there else _unsigned(Snapshot())
        snapshot.signed.meta["targets.json"] = self._fixed("targets", targets.signed.version)
        self.save("snapshot", snapshot)
        self.refresh(days)

    def refresh(self, days: float | None = None) -> None:
        """Say once more that this is the newest: for a job that runs twice a day."""
        there = (self.folder / "timestamp.json").is_file()
        made = self.latest("timestamp") if there else _unsigned(Timestamp())
        made.signed.snapshot_meta = self._fixed("snapshot", self.latest("snapshot").signed.version)
        self.save("timestamp", made, days)

    def _fixed(self, role: str, version: int) -> MetaFile:
        """Return what fixes a file by its bytes: one stolen key alone then replaces nothing.

        By the version alone a thief of the targets key and a mirror would do for a version of their own.
        """
        data = (self.folder / f"{version}.{role}.json").read_bytes()
        return MetaFile.from_data(version, data, ["sha256"])

    def rotate(self, roles: list[str], secret: bytes | None) -> None:
        """Replace keys; the new root is signed by two of the former and two of the new."""
        made = self.latest("root")
        signers = [signer for role in ("root1", "root2", "root3") for signer in keys.load(self.keys, role)]
        version = made.signed.version + 1
        for role in roles:
            name = role.rstrip("123")
            known = set(made.signed.roles[name].keyids)
            for old in keys.load(self.keys, role):
                if old.public_key.keyid in known:
                    made.signed.revoke_key(old.public_key.keyid, name)
            fresh = keys.make(self.keys, role, secret, suffix=f".{version}")
            made.signed.add_key(fresh.public_key, name)
            signers += [fresh] if name == "root" else []
        made.signed.version = version
        made.signed.expires = expiry("root")
        self._save_root(made, signers)
        if "targets" in roles:
            self.save("targets", self.latest("targets"))
        self.publish()

    def _save_root(self, made: Metadata[Root], signers: list[CryptoSigner]) -> None:
        made.signed.version = max(made.signed.version, 1)
        made.signatures.clear()
        for signer in signers:
            made.sign(signer, append=True)
        _write(self.folder / f"{made.signed.version}.root.json", made.to_bytes())
        _write(self.folder / "root.json", made.to_bytes())


def _unsigned(signed: Targets | Snapshot | Timestamp) -> Metadata[Any]:
    signed.version = 0
    return Metadata(signed)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_bytes(data)
    fresh.replace(path)
