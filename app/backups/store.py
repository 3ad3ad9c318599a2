"""Backups in S3-compatible storage: written here, carried there, and fetched again when needed.

A backup is made in the folder, as ever, and leaves it once the store has it whole: its length and
checksum are read back. What could not be carried away stays in the folder and counts as a backup.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.backups.faults import BackupFault
from app.backups.places import DRAFT, Found, Place, found_of, is_old, sha256_of, sum_path
from app.settings import Settings
from app.texts import Label, say

#: Lists that lie beside backups and are of no use without them.
_COMPANIONS = ("anonymised.jsonl",)
#: Seconds for a connection, and for an answer of the store.
_CONNECT, _READ = 5.0, 60.0
#: Parts of a large file, each sent again by itself where it has to be.
_PART = 64 * 2**20


class StoredPlace(Place):
    """A bucket, and the folder backups are made in before they are carried there."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        """Read where the store is; it is asked when it is needed."""
        super().__init__(folder)
        address = urlsplit(settings.backup_store or "")
        self._bucket, self._prefix = address.netloc, address.path.strip("/")
        self._settings = settings

    @property
    def called(self) -> str:
        """Return how the place is named to people."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name

    @contextmanager
    def _client(self) -> Iterator[Any]:
        """Yield a client; what it cannot do is a sentence.

        Raises:
            BackupFault: the store does not answer, or refuses.
        """
        import urllib3
        from minio import Minio
        from minio.error import MinioException

        settings = self._settings
        where = urlsplit(settings.s3_address or "https://s3.amazonaws.com")
        pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=_CONNECT, read=_READ),
            retries=urllib3.Retry(total=3, backoff_factor=0.2, status_forcelist=[500, 502, 503]),
        )
        try:
            yield Minio(
                where.netloc,
                access_key=settings.s3_key,
                secret_key=settings.s3_secret,
                secure=where.scheme == "https",
                region=settings.s3_region or None,
                http_client=pool,
            )
        except (MinioException, urllib3.exceptions.HTTPError, ValueError) as error:
            raise BackupFault(_refused(self.called, error)) from error
        finally:
            pool.clear()

    # -- what a folder does as well ----------------------------------------------------------------

    def _all(self) -> Iterator[Found]:
        there = {one.path.name: one for one in super()._all()}
        with self._client() as client:
            for one in client.list_objects(self._bucket, prefix=self._key("trellis-")):
                name = str(one.object_name).rsplit("/", 1)[-1]
                found = found_of(self.folder / name, int(one.size or 0))
                if found is not None:
                    there.setdefault(name, found)
        yield from there.values()

    def keep(self, path: Path, digest: str) -> None:
        """Carry a backup to the store, and those that could not be carried before.

        Each leaves the folder once it is there whole.
        """
        self.keep_lists()
        with self._client() as client:
            self._carry(client, path, digest)
            for left in list(super()._all()):
                self._carry(client, left.path, sha256_of(left.path))

    def keep_lists(self) -> None:
        """Carry the lists that lie beside backups to the store; the folder keeps them as well."""
        with self._client() as client:
            for name in _COMPANIONS:
                if (self.folder / name).is_file():
                    client.fput_object(self._bucket, self._key(name), str(self.folder / name))

    def _carry(self, client: Any, path: Path, digest: str) -> None:
        key, note = self._key(path.name), sum_path(path)
        said = {"sha256": digest}
        client.fput_object(self._bucket, key, str(path), metadata=said, part_size=_PART)
        told = client.stat_object(self._bucket, key)
        if (
            told.size != path.stat().st_size
            or told.metadata is None
            or told.metadata.get("x-amz-meta-sha256") != digest
        ):
            raise BackupFault(_not_whole(self.called, path.name))
        if note.is_file():
            client.fput_object(self._bucket, self._key(note.name), str(note))
        path.unlink()
        note.unlink(missing_ok=True)

    def named(self, name: str) -> Path | None:
        """Return where the backup of that name lies, or would lie once it is fetched."""
        known = next((one for one in self.all() if one.path.name == name), None)
        return known.path if known is not None else None

    @contextmanager
    def opened(self, path: Path) -> Iterator[Path]:
        """Yield the file of a backup, fetched for as long as it is needed."""
        if path.is_file():
            yield path
            return
        super().create()
        draft = path.with_name(f"{path.name}.{os.getpid()}.fetched{DRAFT}")
        try:
            with self._client() as client:
                client.fget_object(self._bucket, self._key(path.name), str(draft))
                for name in _COMPANIONS:
                    self._fetch_companion(client, name)
            yield draft
        finally:
            draft.unlink(missing_ok=True)

    def _fetch_companion(self, client: Any, name: str) -> None:
        from minio.error import S3Error

        if not (self.folder / name).exists():
            with contextlib.suppress(S3Error):
                # There is none where nothing was ever written into it.
                client.fget_object(self._bucket, self._key(name), str(self.folder / name))

    def prune(self, now: datetime, days: int) -> list[str]:
        """Remove those older than so many days, but never the newest; return their names."""
        old = [one for one in self.all()[1:] if is_old(one, now, days)]
        if not old:
            return []
        with self._client() as client:
            for one in old:
                for path in (one.path, sum_path(one.path)):
                    path.unlink(missing_ok=True)
                    client.remove_object(self._bucket, self._key(path.name))
        return [one.path.name for one in old]


def _refused(called: str, error: Exception) -> Label:
    told = getattr(error, "message", None) or str(error) or type(error).__name__
    return say(
        "{called} does not take or give backups: {told}. See TRELLIS_BACKUP_STORE and "
        "TRELLIS_S3_….",
        "{called} 无法存取备份：{told}。请检查 TRELLIS_BACKUP_STORE 和 TRELLIS_S3_… 设置。",
        called=called,
        told=told[:300].rstrip("."),
    )


def _not_whole(called: str, name: str) -> Label:
    return say(
        "{name} did not arrive whole in {called}. It is kept in the folder of backups.",
        "{name} 未完整到达 {called}，已保留在备份文件夹中。",
        name=name,
        called=called,
    )
