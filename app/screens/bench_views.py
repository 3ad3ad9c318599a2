"""The addresses of the work bench and of the palette."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_appbuilder import expose

from app.screens import bench, bench_acts, palette
from app.screens.views import Screen, visit


class BenchView(Screen):
    """What is done on the work bench without leaving it."""

    route_base = "/bench"

    @expose("")
    def part(self) -> Any:
        return bench.bench_part(visit())

    @expose("/log/<entity>/<int:number>", methods=["GET", "POST"])
    def log(self, entity: str, number: int) -> Any:
        if request.method == "POST":
            return bench_acts.log(visit(), entity, number)
        return bench_acts.composer(visit(), entity, number)

    @expose("/done/<entity>/<int:number>", methods=["POST"])
    def done(self, entity: str, number: int) -> Any:
        return bench_acts.done(visit(), entity, number)

    @expose("/later/<entity>/<int:number>", methods=["POST"])
    def later(self, entity: str, number: int) -> Any:
        return bench_acts.later(visit(), entity, number)

    @expose("/undo/<entity>/<int:number>", methods=["POST"])
    def undo(self, entity: str, number: int) -> Any:
        return bench_acts.undo(visit(), entity, number)


class PaletteView(Screen):
    """Find or do, from everywhere."""

    route_base = "/palette"

    @expose("")
    def show(self) -> Any:
        return palette.answer(visit())
