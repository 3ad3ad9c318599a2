"""What lives as long as a process: pools, the live catalog, the organisation, the one door.

Web, worker and command line all open these in the same order. Nothing here serves a request.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from app.access.organisation import CHANNEL, Organisation
from app.automation.actions.call import CallAnswers
from app.automation.alarms import Alarms
from app.automation.approvals.door import Approvals
from app.automation.assembly import assemble
from app.automation.engine import Engine
from app.automation.pressing import ButtonsOfLists
from app.automation.registry import RuleNumbers
from app.automation.steps import Steps
from app.backups.book import Backups
from app.backups.making import place_of
from app.changes.undoing import Changes
from app.clock import Clock, SystemClock
from app.database.live import Live
from app.database.pools import Pools
from app.duplicates.desk import Duplicates
from app.exchange.desk import Exchange
from app.notifications.calls import Outside
from app.notifications.telling import Teller
from app.personal.desk import PersonalData
from app.personal.keeping import Keeping
from app.plugins import Plugins, load_plugins
from app.records.door import Records
from app.records.files import FileStore
from app.records.saved_views import VIEWS_CHANNEL
from app.secrets import Secrets, first_start_secrets
from app.security.identity import Identity
from app.security.leaving import ClosedAccounts
from app.security.second_factor import SecondFactors
from app.security.sessions import Sessions
from app.security.throttle import Throttle
from app.security.tickets import Tickets
from app.settings import Settings
from app.transfer.export_news import ExportNews
from app.transfer.export_runs import ExportRuns
from app.transfer.exporting import Exports
from app.transfer.runs import Imports
from app.whole.writing import WholeZip


@dataclass(frozen=True, slots=True)
class Services:
    """Everything one process works with."""

    settings: Settings
    secrets: Secrets
    clock: Clock
    plugins: Plugins
    pools: Pools
    live: Live
    organisation: Organisation
    records: Records
    files: FileStore
    sessions: Sessions
    throttle: Throttle
    second_factors: SecondFactors
    tickets: Tickets
    identity: Identity
    approvals: Approvals
    engine: Engine
    numbers: RuleNumbers
    teller: Teller
    answers: CallAnswers
    imports: Imports
    exports: Exports
    export_runs: ExportRuns
    changes: Changes
    duplicates: Duplicates
    exchange: Exchange
    backups: Backups
    personal: PersonalData
    keeping: Keeping

    def close(self) -> None:
        """Let go of every connection and thread."""
        self.live.stop()
        self.pools.close()


def open_services(settings: Settings, clock: Clock | None = None) -> Services:
    """Open what a process needs; connections are made with their first use."""
    known_clock = clock or SystemClock()
    if settings.database_url is None:
        raise ValueError("settings.database_url is not set; start the servers first")
    secrets = first_start_secrets(
        settings.data, secret_key=settings.secret_key, admin_password=settings.admin_password
    )
    plugins = load_plugins(settings)
    pools = Pools(settings.database_url)
    live = Live(pools, plugins.field_types, plugins.functions, plugins.actions)
    organisation = Organisation(pools, lambda: live.release)
    live.on_notice(CHANNEL, organisation.expire)
    quota = settings.file_quota * 1024 * 1024 if settings.file_quota else None
    files = FileStore(settings.data, quota)
    sessions, throttle = Sessions(pools, known_clock), Throttle(pools, known_clock)
    live.on_notice(CHANNEL, lambda _name: sessions.expire())
    found = assemble(
        pools,
        live,
        organisation,
        known_clock,
        secret=secrets.secret_key.encode(),
        files=files,
        hooks=plugins.hooks,
        functions=plugins.functions,
        actions=plugins.actions.values(),
        allowed_hosts=frozenset(settings.allowed_hosts),
        address=settings.address,
        listeners=(ClosedAccounts(),),
    )
    live.on_notice(VIEWS_CHANNEL, found.records.views.views.heard)
    exports = Exports(found.records, pools, live)
    alarms = Alarms(found.records, found.teller, found.numbers, "backup failed")
    imports = Imports(found.records, pools, live, organisation, files, known_clock)
    return Services(
        settings=settings,
        secrets=secrets,
        clock=known_clock,
        plugins=plugins,
        pools=pools,
        live=live,
        organisation=organisation,
        records=found.records,
        files=files,
        sessions=sessions,
        throttle=throttle,
        tickets=Tickets(pools, organisation, known_clock, settings, secrets.secret_key),
        second_factors=SecondFactors(pools, known_clock, sessions, throttle, secrets.secret_key),
        identity=_identity(pools, organisation, sessions, known_clock, secrets),
        approvals=found.approvals,
        engine=found.engine,
        numbers=found.numbers,
        teller=found.teller,
        answers=found.answers,
        imports=imports,
        exports=exports,
        export_runs=ExportRuns(
            exports,
            found.records,
            pools,
            live,
            organisation,
            known_clock,
            settings.data / "exports",
            ExportNews(found.records, found.teller),
            WholeZip(settings.database_url, settings.data, live, known_clock),
        ),
        changes=Changes(
            found.records,
            pools,
            live,
            organisation,
            known_clock,
            buttons=ButtonsOfLists(found.records, Steps(found.engine.steps.actions), found.numbers),
        ),
        duplicates=Duplicates(found.records, known_clock),
        exchange=Exchange(
            found.records,
            pools,
            live,
            imports,
            found.numbers,
            known_clock,
            Outside(os.environ, settings.allowed_hosts),
            Alarms(found.records, found.teller, found.numbers, "sync failed"),
        ),
        backups=Backups(settings, pools, live, known_clock, alarms),
        personal=PersonalData(found.records, pools, files, place_of(settings)),
        keeping=Keeping(found.records, pools, live, known_clock),
    )


def _identity(
    pools: Pools, organisation: Organisation, sessions: Sessions, clock: Clock, secrets: Secrets
) -> Identity:
    return Identity(
        pools, organisation, sessions, clock, secrets.secret_key, key_hash(secrets.secret_key)
    )


def key_hash(secret: str) -> Any:
    """Return the function by which Flask-AppBuilder looks API keys up (its ``ApiKey`` table)."""
    import hashlib

    def hashed(key: str) -> str:
        # The parameters are FAB's: a key made on its side must be found on ours.
        return hashlib.scrypt(key.encode(), salt=secret.encode(), n=2, r=1, p=1, dklen=32).hex()

    return hashed
