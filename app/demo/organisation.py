"""The people of the demo: three departments, twelve users and who reports to whom."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoDepartment:
    """One department; ``parent`` and ``head`` are a department's key and a login."""

    key: str
    name: str
    parent: str | None
    head: str


@dataclass(frozen=True, slots=True)
class DemoUser:
    """One user; ``manager`` is the login of the person they report to."""

    login: str
    #: as lists show it; a Chinese family name comes first
    name: str
    department: str
    roles: tuple[str, ...]
    manager: str | None = None
    language: str = "en"

    @property
    def email(self) -> str:
        """An address nobody has: ``.example`` is reserved."""
        return f"{self.login}@trellis.example"


@dataclass(frozen=True, slots=True)
class DemoOrganisation:
    """Departments, parents before their children, and users, managers before their people."""

    departments: tuple[DemoDepartment, ...]
    users: tuple[DemoUser, ...]

    def user(self, login: str) -> DemoUser:
        """Return the user of a login."""
        return next(user for user in self.users if user.login == login)

    def head_of(self, login: str) -> str:
        """Return the login of whoever heads a user's department."""
        department = self.user(login).department
        return next(each.head for each in self.departments if each.key == department)

    def sellers(self, department: str) -> tuple[str, ...]:
        """Return the logins of a department's people who sell, managers last."""
        mine = [user for user in self.users if user.department == department]
        return tuple(
            user.login for role in ("sales", "sales_manager") for user in mine if role in user.roles
        )


def demo_organisation() -> DemoOrganisation:
    """Return the organisation: a director, two teams that sell, and the head office."""
    departments = (
        DemoDepartment("head_office", "Head office", None, "he.jun"),
        DemoDepartment("sales_east", "Sales, East", "head_office", "chen.wei"),
        DemoDepartment("sales_international", "Sales, International", "head_office", "emma.clarke"),
    )
    head, east, abroad = (department.key for department in departments)
    sales = ("sales",)
    users = (
        DemoUser("he.jun", "He Jun", head, ("sales_director",), language="zh"),
        DemoUser("chen.wei", "Chen Wei", east, ("sales_manager",), "he.jun", "zh"),
        DemoUser("lin.yue", "Lin Yue", east, sales, "chen.wei"),
        DemoUser("sun.hao", "Sun Hao", east, sales, "chen.wei", "zh"),
        DemoUser("wang.fang", "Wang Fang", east, sales, "chen.wei", "zh"),
        # Two steps below the manager: what Li Na owns is seen by Sun Hao's manager too.
        DemoUser("li.na", "Li Na", east, sales, "sun.hao", "zh"),
        DemoUser("emma.clarke", "Emma Clarke", abroad, ("sales_manager",), "he.jun"),
        DemoUser("tom.becker", "Tom Becker", abroad, sales, "emma.clarke"),
        DemoUser("priya.nair", "Priya Nair", abroad, sales, "emma.clarke"),
        DemoUser("zhao.min", "Zhao Min", head, ("finance",), "he.jun", "zh"),
        DemoUser("liu.ting", "Liu Ting", head, ("service",), "he.jun", "zh"),
        DemoUser("zhou.kai", "Zhou Kai", head, ("auditor", "legal"), language="zh"),
    )
    return DemoOrganisation(departments, users)
