"""`trellis mail`: an e-mail that a mail server hands over."""

from __future__ import annotations

import sys

import click

from app.commands.base import is_away, kindly, opened_services, say
from app.errors import Malformed, NotFound, Unavailable
from app.settings import Settings

#: What mail servers understand (sysexits.h): try again later, and never.
TRY_AGAIN = 75
NO_EMAIL = 65
NO_MAILBOX = 67


@click.command()
@click.argument("mailbox")
@kindly
def mail(settings: Settings, mailbox: str) -> int:
    """Take an e-mail from standard input, as an event of the record it is about.

    MAILBOX is an integration of kind `mailbox`. For the pipe of a mail server: exit code 75 asks
    it to try again later, 65 and 67 say that it has no use. An e-mail counts once, however often
    it comes.

    \b
    Example:
      trellis mail sales-mail < message.eml
    """
    from app.automation.mailboxes.reading import LARGEST
    from app.automation.mailboxes.receiving import Receiver

    raw = sys.stdin.buffer.read(LARGEST + 1)
    try:
        with opened_services(settings, "trellis mail") as services:
            received = Receiver(services.records).take(mailbox, raw)
    except Malformed as error:
        click.echo(str(error.message), err=True)
        return NO_EMAIL
    except NotFound as error:
        click.echo(str(error.message), err=True)
        return NO_MAILBOX
    except Unavailable as error:
        click.echo(str(error.message), err=True)
        return TRY_AGAIN
    except Exception as error:
        if not is_away(error):
            raise
        click.echo("The database does not answer.", err=True)
        return TRY_AGAIN
    where = f" {received.entity} {received.record_id}" if received.entity else ""
    say(f"{received.state}{where}")
    if received.problem is not None:
        click.echo(str(received.problem), err=True)
        return TRY_AGAIN
    return 0
