"""The addresses of the page of jobs."""

from __future__ import annotations

from typing import Any

from flask_appbuilder import expose

from app.errors import NotFound
from app.screens import jobs
from app.screens.views import Screen, visit


class JobsView(Screen):
    """The work in the background, for administrators."""

    route_base = "/jobs"

    @expose("")
    def show(self) -> Any:
        return jobs.jobs_page(visit())

    @expose("/again", methods=["POST"])
    def run_all_again(self) -> Any:
        return jobs.run_all_again(visit())

    @expose("/tasks/<int:number>/again", methods=["POST"])
    def run_task_again(self, number: int) -> Any:
        return jobs.run_task_again(visit(), number)

    @expose("/<queue>/<job_id>/<what>", methods=["POST"])
    def act(self, queue: str, job_id: str, what: str) -> Any:
        if what not in ("again", "remove"):
            raise NotFound
        return jobs.act(visit(), what, queue, job_id)
