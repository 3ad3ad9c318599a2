"""The one small language of conditions and worked-out values.

``parse`` reads the text, ``check`` says what it means for given names and types, ``to_python`` and
``to_sql`` are two back ends that answer alike. The room knows names and types; it knows no entity,
no table, no configuration and no user.
"""

from app.expressions.builtin import BUILTIN
from app.expressions.calendar import Calendar
from app.expressions.checking import check
from app.expressions.functions import Function, Functions, Parameter
from app.expressions.monotone import MonotoneBase, by_base, monotone_base
from app.expressions.problems import ExpressionProblem
from app.expressions.python import to_python
from app.expressions.runtime import PythonContext
from app.expressions.scopes import RESERVED, ROOTS, Scope
from app.expressions.sources import BoundEnvironment, SQLEnvironment, SQLSource, sql_type
from app.expressions.sql import to_sql, to_where
from app.expressions.syntax import Expression, parse
from app.expressions.tree import Ask, Checked
from app.expressions.types import Kind, Type
from app.expressions.why import Part, why

__all__ = [
    "BUILTIN",
    "RESERVED",
    "ROOTS",
    "Ask",
    "BoundEnvironment",
    "Calendar",
    "Checked",
    "Expression",
    "ExpressionProblem",
    "Function",
    "Functions",
    "Kind",
    "MonotoneBase",
    "Parameter",
    "Part",
    "PythonContext",
    "SQLEnvironment",
    "SQLSource",
    "Scope",
    "Type",
    "by_base",
    "check",
    "monotone_base",
    "parse",
    "sql_type",
    "to_python",
    "to_sql",
    "to_where",
    "why",
]
