"""A stock Flask-AppBuilder application, as its documentation shows: model, ModelView, ModelRestApi."""

from __future__ import annotations

import os
import sys

from flask import Flask, g
from flask_appbuilder import AppBuilder, Model, ModelRestApi, ModelView
from flask_appbuilder.models.sqla.base import SQLA
from flask_appbuilder.models.sqla.filters import FilterInFunction
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import Column, DateTime, ForeignKey, Integer, Numeric, String
from sqlalchemy.orm import relationship

FIELDS = [
    "code", "name", "level", "status", "owner.username", "email", "currency",
    "last_contacted_at", "open_amount", "contract_total", "created_at", "id",
]  # fmt: skip
OWNERS = [int(one) for one in os.environ.get("STOCK_OWNERS", "1").split(",")]


class Customer(Model):
    __tablename__ = "stock_customer"
    id = Column(Integer, primary_key=True)
    code = Column(String(32))
    name = Column(String(255), nullable=False)
    level = Column(String(16), index=True)
    status = Column(String(16))
    owner_id = Column(Integer, ForeignKey("ab_user.id"), index=True)
    owner = relationship(User, foreign_keys=[owner_id])
    email = Column(String(255))
    currency = Column(String(8))
    last_contacted_at = Column(DateTime, index=True)
    open_amount = Column(Numeric(18, 2))
    contract_total = Column(Numeric(18, 2))
    created_at = Column(DateTime)


def owners() -> list[int]:
    return OWNERS if g.user else []


class CustomerView(ModelView):
    datamodel = SQLAInterface(Customer)
    route_base = "/customerview"
    list_columns = FIELDS[:-1]
    search_columns = ["name", "level", "status"]
    base_filters = [["owner_id", FilterInFunction, owners]]
    base_order = ("last_contacted_at", "desc")
    page_size = 25


class CustomerApi(ModelRestApi):
    resource_name = "customer"
    datamodel = SQLAInterface(Customer)
    allow_browser_login = True
    list_columns = FIELDS
    show_columns = FIELDS
    add_columns = ["name", "level", "status", "email", "currency", "owner"]
    search_columns = ["name", "level", "status"]
    base_filters = [["owner_id", FilterInFunction, owners]]


def create_app(update: bool = False) -> Flask:
    app = Flask("stock")
    app.config.update(
        SECRET_KEY="a-stock-application-for-a-benchmark-only",
        SQLALCHEMY_DATABASE_URI=os.environ["STOCK_DATABASE"],
        FAB_CREATE_DB=update,
        FAB_UPDATE_PERMS=update,
        WTF_CSRF_ENABLED=False,
        RATELIMIT_ENABLED=False,
    )
    with app.app_context():
        database = SQLA(app)
        builder = AppBuilder(app, database.session)
        if update:
            Model.metadata.create_all(database.engine)
        builder.add_view(CustomerView, "Customers", category="Sales")
        builder.add_api(CustomerApi)
        if update:
            manager = builder.sm
            if not manager.find_user("manager"):
                role = manager.find_role("Admin")
                manager.add_user("manager", "The", "Manager", "m@stock.example", role, "bench-1234")
    return app


if __name__ == "__main__":
    create_app(update=True)
    sys.exit(0)
