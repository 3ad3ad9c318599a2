"""Files that came with an e-mail become attachments of the record it is about.

What an upload may be, they may be: the same types, sizes and room. One that may not stays where it
is, in the mailbox, and the e-mail is kept all the same.
"""

from __future__ import annotations

import io
from collections.abc import Iterable

from app.access.principal import SYSTEM
from app.automation.mailboxes.reading import Attached
from app.automation.steps import reason_of
from app.errors import TrellisError
from app.records.files import add_file
from app.records.savepoints import savepoint
from app.records.work import Work
from app.texts import Label, say


def attach(
    work: Work, box: str, entity: str, record_id: int, files: Iterable[Attached]
) -> Label | None:
    """Put files on a record; return which were left out and why, None if none was.

    It is the mailbox that files them, whatever its user may write; history names it.
    """
    acting = work.acting_as(SYSTEM, origin="email", cause=box)
    left: list[tuple[str, Label]] = []
    for one in files:
        try:
            with savepoint(work):
                stream = io.BytesIO(one.content)
                kept = add_file(work.connection, work.writer.files, stream, one.name, None)
                work.writer.attach_in(acting, entity, record_id, [kept.id])
        except TrellisError as error:
            left.append((one.name, reason_of(error)))
    if not left:
        return None
    told = [say("{name}: {why}", "{name}：{why}", name=name, why=why) for name, why in left]
    return say(
        "Left in the mailbox: {files}",
        "以下附件保留在邮箱中：{files}",
        files=Label(
            {
                language: " ".join(one.in_language(language) for one in told)
                for language in ("en", "zh")
            }
        ),
    )
