"""REST over Flask-AppBuilder's ``BaseApi``: records, batches, search, files, meta, OpenAPI.

Thin: reads the request, asks ``records``, writes the answer. One error shape, one way to say who is
asking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.services import Services


def register_api(builder: Any, services: Services) -> None:
    """Put every API of ours into the application."""
    from flask import current_app

    from app.api.approvals import ApprovalApi
    from app.api.attachments import AttachmentApi
    from app.api.audit import AuditApi
    from app.api.automation import AutomationApi, register_hooks
    from app.api.calendar import CalendarApi
    from app.api.changes import ChangeApi
    from app.api.dashboards import DashboardApi
    from app.api.descriptions import DescriptionApi
    from app.api.duplicates import DuplicateApi
    from app.api.everything import EverythingApi
    from app.api.exchange import ExchangeApi
    from app.api.exports import ExportApi, ExportRunApi
    from app.api.files import FileApi
    from app.api.former import register_former_names
    from app.api.imports import ImportApi
    from app.api.inbox import InboxApi
    from app.api.mistakes import register_mistakes
    from app.api.moves import MovesApi
    from app.api.personal import PersonalApi
    from app.api.pools import PoolApi
    from app.api.records import RecordApi
    from app.api.repeats import Sweeper
    from app.api.rights import RightsApi
    from app.api.signing_in import SignInApi
    from app.api.staff import StaffApi
    from app.api.swagger import SwaggerView
    from app.api.timeline import TimelineApi
    from app.api.views import ViewApi

    del services
    current_app.extensions["trellis.repeats"] = Sweeper()
    known = (
        SignInApi,
        EverythingApi,
        FileApi,
        DescriptionApi,
        ApprovalApi,
        ExportRunApi,
        ImportApi,
        ExportApi,
        DashboardApi,
        ChangeApi,
        DuplicateApi,
        CalendarApi,
        InboxApi,
        RecordApi,
        MovesApi,
        TimelineApi,
        AttachmentApi,
        PoolApi,
        StaffApi,
        ViewApi,
        AuditApi,
        PersonalApi,
        RightsApi,
        ExchangeApi,
    )
    for api in (*known, AutomationApi):
        builder.add_api(api)
    builder.add_view_no_menu(SwaggerView)
    register_mistakes()
    register_hooks()
    register_former_names()
