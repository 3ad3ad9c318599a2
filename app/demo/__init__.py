"""The data of a first start: an organisation and a year and a half of its work.

The story is plain data (``demo_records``, ``demo_organisation``); ``app.demo.loader.load_demo``
writes it through the one door like anybody else.
"""

from app.demo.chain import demo_records
from app.demo.organisation import demo_organisation

__all__ = ["demo_organisation", "demo_records"]
