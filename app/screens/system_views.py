"""The addresses about the installation itself, for administrators."""

from __future__ import annotations

from typing import Any

from flask_appbuilder import expose

from app.screens import backup_pages, exchange_pages, file_pages, system
from app.screens.views import Screen, visit


class SystemView(Screen):
    """Health, files and backups."""

    route_base = "/system"

    @expose("")
    def health(self) -> Any:
        return system.health_page(visit())

    @expose("/files")
    def files(self) -> Any:
        return file_pages.files_page(visit())

    @expose("/backups")
    def backups(self) -> Any:
        return backup_pages.backups_page(visit())

    @expose("/integrations")
    def exchanges(self) -> Any:
        return exchange_pages.exchanges_page(visit())

    @expose("/integrations/<name>/run", methods=["POST"])
    def run_exchange(self, name: str) -> Any:
        return exchange_pages.run_now(visit(), name)

    @expose("/backups/make", methods=["POST"])
    def make_backup(self) -> Any:
        return backup_pages.make_backup(visit())

    @expose("/backups/try", methods=["POST"])
    def try_backup(self) -> Any:
        return backup_pages.try_backup(visit())

    @expose("/backups/<name>")
    def fetch_backup(self, name: str) -> Any:
        return backup_pages.fetch_backup(visit(), name)
