"""HTML over Flask-AppBuilder's views: lists, records, forms, setup, people.

Every screen works from the functions the API works from: what a screen shows, the API returns. This
room decides how things look and reads what people type; it builds no query and checks no value.
"""

from __future__ import annotations

from typing import Any

from app.screens.errors import answer as error_page

__all__ = ["error_page", "index_view", "register_screens", "sign_in_view"]


def sign_in_view() -> type:
    """Return the class of the sign-in page, for the security manager."""
    from app.screens.sign_in import SignInView

    return SignInView


def index_view() -> type:
    """Return the class of the page somebody arrives at."""
    from app.screens.views import HomeView

    return HomeView


def register_screens(builder: Any, core: Any) -> None:
    """Add the screens to the application.

    Args:
        builder: Flask-AppBuilder, which hosts the views.
        core: ``app.services.Services``.
    """
    from flask import current_app

    from app.notifications.hearing import Hearing
    from app.notifications.outbox import INBOX_CHANNEL
    from app.notifications.presence import CHANNEL as PRESENCE_CHANNEL
    from app.notifications.presence import Presence
    from app.screens.automation_views import (
        ButtonsView,
        FieldsView,
        LedgerView,
        LookingView,
        RelatedView,
    )
    from app.screens.bench_views import BenchView, PaletteView
    from app.screens.brand import BrandView, Logos
    from app.screens.change_views import ChangesView
    from app.screens.configuration import Configuration
    from app.screens.dashboard_views import DashboardsView, TargetsView
    from app.screens.duplicate_views import DuplicatesView, MergesView
    from app.screens.export_views import ExportsView
    from app.screens.former import register_former_links
    from app.screens.frame import Frames
    from app.screens.import_views import ImportsView
    from app.screens.job_views import JobsView
    from app.screens.list_views import ListsView
    from app.screens.lists import Lists
    from app.screens.message_views import DeliveriesView, HearingView, InboxView
    from app.screens.palette import remember_what_is_seen
    from app.screens.people_views import PeopleView
    from app.screens.personal_views import PersonalView
    from app.screens.rendering import own_renderer
    from app.screens.rule_views import RulesView
    from app.screens.setup_views import SetupView
    from app.screens.staff_views import StaffView
    from app.screens.system_views import SystemView
    from app.screens.views import AdministrationView, ApprovalsView, MeView, RecordsView
    from app.screens.visit import Screens
    from app.screens.welcome import WelcomeView

    renderer = own_renderer()
    hearing = Hearing(core.pools, core.clock)
    core.live.on_notice(INBOX_CHANNEL, hearing.heard)
    presence = Presence(core.pools)
    core.live.on_notice(PRESENCE_CHANNEL, presence.heard)
    current_app.extensions["trellis.screens"] = Screens(
        core=core,
        renderer=renderer,
        frames=Frames(renderer),
        configuration=Configuration(core),
        lists=Lists(),
        previews=core.records.previews,
        hearing=hearing,
        presence=presence,
        logos=Logos(core.settings.config),
    )
    register_former_links()
    remember_what_is_seen(current_app)
    for view in (
        RecordsView,
        MergesView,
        DuplicatesView,
        ListsView,
        ButtonsView,
        FieldsView,
        LookingView,
        RelatedView,
        LedgerView,
        ApprovalsView,
        MeView,
        AdministrationView,
        InboxView,
        HearingView,
        DeliveriesView,
        ExportsView,
        ImportsView,
        JobsView,
        ChangesView,
        RulesView,
        SetupView,
        StaffView,
        BenchView,
        DashboardsView,
        TargetsView,
        PaletteView,
        WelcomeView,
        PeopleView,
        PersonalView,
        BrandView,
        SystemView,
    ):
        builder.add_view_no_menu(view)
