"""A list as a file, as it is shown: its columns, filter and order."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, request, send_file

from app.screens.bulk import ticked
from app.screens.navigation import plural
from app.screens.opened_lists import open_list, view_asked
from app.screens.visit import Visit
from app.transfer.exporting import FORMS, Wanted


def export_list(visit: Visit, name: str, arguments: Mapping[str, str]) -> Response:
    """Return a list as a file; ``format`` says of which kind."""
    opened = open_list(visit, visit.entity(name), arguments)
    columns = visit.screens.lists.columns_of(visit, opened)
    # Those that were ticked, where some were.
    ids = ticked(arguments.get("ids", ""))
    wanted = Wanted(
        name,
        tuple(column.path for column in columns.columns),
        filter=opened.asked.filter or None,
        view=view_asked(opened),
        search=opened.asked.search or None,
        sort=opened.arrangement.sort or None,
        where=(("id", list(ids)),) if ids else (),
        language=visit.language,
        time_zone=visit.principal.time_zone,
    )
    form = arguments.get("format", "xlsx")
    found = visit.core.exports.open(visit.principal, wanted, form, request.remote_addr)
    named = f"{plural(opened.entity, visit.language)} {visit.look.now:%Y-%m-%d}.{form}"
    answer = send_file(found, mimetype=FORMS[form], as_attachment=True, download_name=named)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
