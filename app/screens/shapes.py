"""The records of an entity in the shape somebody asks for: list, board, calendar or tree."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response

from app.screens.boards import board_answer
from app.screens.calendar_pages import calendar_answer
from app.screens.looks import chosen_look, keep_look
from app.screens.trees import tree_answer
from app.screens.visit import Visit


def answer(visit: Visit, name: str, arguments: Mapping[str, str]) -> Response:
    """Return the page in the shape that is asked for, else the one looked at last."""
    entity = visit.entity(name)
    chosen = chosen_look(visit, entity, arguments)
    if chosen.look == "board":
        made = board_answer(visit, entity, arguments, chosen.by)
    elif chosen.look == "calendar":
        made = calendar_answer(visit, entity, arguments, chosen.by)
    elif chosen.look == "tree":
        made = tree_answer(visit, entity, arguments)
    else:
        made = visit.screens.lists.answer(visit, name, arguments)
    keep_look(visit, entity, chosen, made)
    return made
