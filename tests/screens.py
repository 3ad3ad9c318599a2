"""Which pages there are: every address a browser may ask for, and where the demo shows it.

`test_every_address_is_walked_or_says_why_not` compares this with the application's own map, the walk
in `tests/e2e/test_screens.py` opens each page, in both languages and themes, at a desk and on a phone.
"""

from __future__ import annotations

from collections.abc import Mapping

#: Rule in the application's map: what of it is looked at, by an administrator of the demo.
PAGES: Mapping[str, tuple[str, ...]] = {
    "/": ("/",),
    "/absences": ("/absences",),
    "/approvals": ("/approvals",),
    "/bench/log/<entity>/<int:number>": ("/bench/log/customer/1",),
    "/bin": ("/bin",),
    "/calendar": ("/calendar",),
    "/changes": ("/changes",),
    "/crm/<entity>/": (
        "/crm/lead/",
        "/crm/customer/",
        "/crm/customer/?view=mine&q=a",
        "/crm/customer/?group=level",
        "/crm/opportunity/",
        "/crm/opportunity/?as=board",
        "/crm/opportunity/?as=calendar",
        "/crm/department/?as=tree",
    ),
    "/crm/<entity>/<int:number>": (
        "/crm/customer/1",
        "/crm/opportunity/1",
        "/crm/contract/1",
        "/crm/lead/1",
    ),
    "/crm/<entity>/<int:number>/automation": ("/crm/customer/1/automation",),
    "/crm/<entity>/<int:number>/edit": (
        "/crm/customer/1/edit",
        "/crm/opportunity/1/edit",
        "/crm/contract/1/edit",
        "/crm/lead/1/edit",
    ),
    "/crm/<entity>/<int:number>/history": ("/crm/customer/1/history",),
    "/crm/<entity>/<int:number>/merge": ("/crm/customer/1/merge",),
    "/crm/<entity>/<int:number>/rules": ("/crm/customer/1/rules",),
    "/crm/<entity>/<int:number>/share": ("/crm/customer/1/share",),
    "/crm/<entity>/export/new": ("/crm/customer/export/new",),
    "/crm/<entity>/import": ("/crm/customer/import",),
    "/crm/<entity>/merge": ("/crm/customer/merge?ids=1,2",),
    "/crm/<entity>/new": ("/crm/customer/new", "/crm/quote/new", "/crm/department/new"),
    "/dashboards/<name>": ("/dashboards/sales",),
    "/day": ("/day",),
    "/deliveries": ("/deliveries",),
    "/duplicates": ("/duplicates",),
    "/duplicates/check": ("/duplicates/check",),
    "/exports/": ("/exports/",),
    "/find": ("/find?q=138",),
    "/inbox": ("/inbox", "/inbox?show=unread"),
    "/jobs": ("/jobs",),
    "/me": ("/me",),
    "/me/keys": ("/me/keys",),
    "/me/notifications": ("/me/notifications",),
    "/me/security": ("/me/security",),
    "/people": ("/people",),
    "/people/<int:number>": ("/people/2",),
    "/people/<int:number>/edit": ("/people/2/edit",),
    "/people/<int:number>/hand-over": ("/people/2/hand-over",),
    "/people/<int:number>/rights": ("/people/2/rights?entity=customer&record=1",),
    "/people/audit": ("/people/audit",),
    "/people/departments": ("/people/departments",),
    "/people/new": ("/people/new",),
    "/people/roles": ("/people/roles",),
    "/people/sign-ins": ("/people/sign-ins",),
    "/personal": ("/personal",),
    "/setup": ("/setup",),
    "/setup/agree": ("/setup/agree",),
    "/setup/diagram": ("/setup/diagram",),
    "/setup/ledger": ("/setup/ledger",),
    "/setup/rules": ("/setup/rules",),
    "/setup/rules/<name>": ("/setup/rules/birthdays",),
    "/setup/tests": ("/setup/tests",),
    "/setup/versions": ("/setup/versions",),
    "/setup/versions/<int:number>": ("/setup/versions/1",),
    "/system": ("/system",),
    "/system/backups": ("/system/backups",),
    "/system/files": ("/system/files",),
    "/system/integrations": ("/system/integrations",),
    "/targets/<name>": ("/targets/contract_amount",),
}
#: What a stranger sees.
DOOR = {"/sign-in": ("/sign-in",), "/offline": ("/offline",)}
#: Pages of something that has to be done first: who does it looks at them on the way.
ON_THE_WAY: Mapping[str, str] = {
    "/changes/<int:number>": "tests/e2e/test_changes.py",
    "/changes/runs/<int:number>": "tests/e2e/test_changes.py",
    "/exports/<int:number>": "tests/e2e/test_import_journey.py",
    "/imports/<int:number>": "tests/e2e/test_import_journey.py",
    "/imports/<int:number>/dry-run": "tests/e2e/test_import_journey.py",
    "/imports/<int:number>/mapping": "tests/e2e/test_import_journey.py",
    "/people/move": "tests/e2e/test_settings.py",
    "/sign-in/code": "tests/e2e/test_settings.py",
    "/swagger/v1": "tests/e2e/test_swagger.py",
}
#: The same template as another page, with other words; only where a mail server is set.
ALIKE: Mapping[str, str] = {
    "/sign-in/forgot": "/sign-in",
    "/welcome/<token>": "/sign-in",
    "/dashboards/": "/dashboards/<name>",
    "/targets/": "/targets/<name>",
}
#: Parts that a page fetches and puts into itself; asked for by themselves some lead to their page.
PARTS = frozenset(
    {
        "/approvals/count",
        "/bench",
        "/crm/<entity>/<int:number>/comments",
        "/crm/<entity>/<int:number>/field/<name>",
        "/crm/<entity>/<int:number>/lanes",
        "/crm/<entity>/<int:number>/peek",
        "/crm/<entity>/<int:number>/related",
        "/crm/<entity>/<int:number>/timeline",
        "/crm/<entity>/bulk/act/<rule>",
        "/crm/<entity>/bulk/edit",
        "/crm/<entity>/bulk/tag",
        "/crm/<entity>/columns",
        "/crm/<entity>/filter",
        "/crm/<entity>/filter/row",
        "/crm/<entity>/nearly",
        "/crm/<entity>/new/quick",
        "/crm/<entity>/pulse",
        "/crm/<entity>/rows",
        "/crm/<entity>/sums",
        "/crm/<entity>/views/<int:number>",
        "/crm/<entity>/views/<int:number>/delete",
        "/crm/<entity>/views/menu",
        "/crm/<entity>/views/new",
        "/crm/<entity>/views/roles",
        "/dashboards/<name>/part",
        "/inbox/pulse",
        "/palette",
        "/setup/where",
    }
)
#: Files, and answers for programs.
FILES = frozenset(
    {
        "/assets/<fingerprint>/<path:name>",
        "/brand/<digest>/logo",
        "/crm/<entity>/export",
        "/dashboards/<name>/workbook",
        "/exports/<int:number>/file",
        "/files/<number>",
        "/health",
        "/healthz",
        "/imports/<int:number>/dry-run/errors",
        "/manifest.webmanifest",
        "/metrics",
        "/readyz",
        "/setup/diagram.svg",
        "/sw.js",
        "/system/backups/<name>",
    }
)
