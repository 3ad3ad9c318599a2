"""The settings of one's own, one page with tabs: you, security, notifications, keys, absences."""

from __future__ import annotations

from app.screens.list_view import Tab
from app.screens.visit import Visit
from app.texts import say


def my_tabs(visit: Visit, on: str) -> list[Tab]:
    """Return the tabs, the one of *on* marked."""
    tabs = (
        ("you", say("You", "个人"), "/me"),
        ("security", say("Security", "安全"), "/me/security"),
        ("notifications", say("Notifications", "通知"), "/me/notifications"),
        ("keys", say("API keys", "API 密钥"), "/me/keys"),
        ("absences", say("Absences", "请假"), "/absences"),
    )
    return [Tab(label.in_language(visit.language), href, name == on) for name, label, href in tabs]
