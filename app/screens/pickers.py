"""Pickers: fields that point at records or people, searched on the server."""

from __future__ import annotations

from app.screens.controls import Chosen, Control


def person_control(name: str, label: str, entity: str) -> Control:
    """Return a picker of people for a dialog of its own."""
    return Control(
        "link",
        name,
        label,
        id=f"pick-{name}",
        required=True,
        span=12,
        search=f"/crm/{entity}/pick/{name}",
        chosen=[Chosen("")],
    )
