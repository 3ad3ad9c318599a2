"""The command line: the commands of `app.commands` under one name.

Commands parse, call and print; what they do stands in the room they call. Rooms are imported when a
command runs, so that ``trellis --help`` answers at once.
"""

from __future__ import annotations

import click

from app.commands import (
    agreeing,
    backups,
    changes,
    configuration,
    duplicates,
    exchange,
    exporting,
    importing,
    mail,
    people,
    personal,
    purging,
    rules,
    running,
)
from app.commands.base import EXIT_CODES

_CODES_HELP = "\b\nExit codes:\n" + "\n".join(
    f"  {code:<4}{meaning}" for code, meaning in EXIT_CODES.items()
)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_CODES_HELP,
)
@click.version_option(package_name="trellis-crm", prog_name="trellis")
def main() -> None:
    """Trellis: a folder of YAML becomes a running CRM.

    Settings such as PORT, DATABASE_URL and TRELLIS_DATA are read from the environment; `trellis
    settings` lists them.
    """


for command in (
    configuration.check,
    configuration.plan,
    configuration.apply,
    agreeing.approve,
    configuration.versions,
    configuration.schema,
    configuration.run_tests,
    configuration.plugins,
    importing.import_file,
    exporting.export_list,
    backups.backup,
    backups.restore,
    backups.backups,
    rules.rules,
    mail.mail,
    exchange.sync,
    changes.changes,
    duplicates.duplicates,
    personal.personal,
    purging.purge,
    running.run,
    running.serve,
    running.worker,
    running.scheduler,
    running.psql,
    running.show_settings,
    people.user,
    people.token,
):
    main.add_command(command)


if __name__ == "__main__":
    main(prog_name="trellis")
