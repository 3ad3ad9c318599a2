"""Random requests made from the description of the API, as three roles.

Whatever is sent: no failure of ours, an answer as described, and nothing the role may not see. In
`make test` some hundred, always the same; `make fuzz` sends 10,000 others each time (`FUZZ=10000`).
"""

import io
import os
import zipfile

import hypothesis.errors
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.integration.api.world import ApiWorld, build

WANTED = int(os.environ.get("FUZZ", "0"))
EXAMPLES = WANTED // 3 if WANTED else 150
SECRETS = ["s-sam", "s-dormant", "s-sue", "s-tom", "s-mia", "s-gone"]
OTHERS = ["Tom Tools", "Tom on Sam Steel", "Visit at Tom", "Closed thing"]
MASKED = [f"390000000{number}" for number in range(1, 7)]
#: What never may come back, by role.
UNSEEN = {
    "sam": [*SECRETS, *OTHERS, "Sue Silk", "Mia Works", "Visit at Sue"],
    "mia": [*SECRETS, *OTHERS],
    "aud": [*MASKED, "Closed thing"],
    "root": [],
}
ROLES = ("sam", "mia", "root")
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture
def fuzzed(template_database, clone_database, tmp_path):
    made = ApiWorld(clone_database(template_database("api_world", build)), tmp_path / "var")
    yield made
    made.close()


def real_ids(case, draw):
    """Let half of the requests be about records there are."""
    for name in ("id", "user"):
        if name in (case.path_parameters or {}) and draw(st.booleans()):
            case.path_parameters[name] = draw(st.integers(1, 7))
    if isinstance(case.body, dict):
        for key in ("ids", "gone"):
            if key in case.body and draw(st.booleans()):
                case.body[key] = draw(st.lists(st.integers(1, 7), min_size=1, max_size=3))
        if "keep" in case.body and draw(st.booleans()):
            case.body["keep"] = draw(st.integers(1, 7))


def text_of(response):
    """Return all that an answer tells as text: of a workbook or an archive, what is packed in it."""
    content = response.content
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            content = b"\n".join(packed.read(name) for name in packed.namelist())
    return content.decode("utf-8", "replace")


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("name", ROLES)
def test_no_random_request_fails_or_tells_too_much(fuzzed, name, mode):
    caller = fuzzed.as_(name)
    schema = schemathesis.openapi.from_dict(caller.get("/openapi.json").json)
    schema.app = fuzzed.app
    strategies = [
        found.ok().as_strategy(generation_mode=mode)
        for found in schema.get_all_operations()
        # Each guess would cost the time of a password.
        if "/security/" not in found.ok().path
    ]
    sent = 0

    @settings(
        max_examples=EXAMPLES // 2,
        derandomize=not WANTED,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(data=st.data())
    def ask(data):
        nonlocal sent
        case = data.draw(st.one_of(strategies))
        real_ids(case, data.draw)
        response = case.call(headers=caller.headers)
        sent += 1
        text = text_of(response)
        told = f"{case.as_curl_command()}\n{response.status_code} {text[:2000]}"
        assert response.status_code < 500, told
        case.validate_response(response, checks=CHECKS)
        for secret in UNSEEN[name]:
            # What one sends oneself may come back in an error.
            if secret in text and secret not in repr((case.body, case.query, case.headers)):
                raise AssertionError(f"{secret} was told to {name}: {told}")

    try:
        ask()
    except hypothesis.errors.Unsatisfiable:
        pytest.fail("no request could be made from the description")
    assert sent >= EXAMPLES // 4
