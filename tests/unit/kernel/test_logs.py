import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROGRAM = """
import logging
from kernel.logs import set_up_logs

def fail_with(typed):
    raise ValueError("it does not fit")

set_up_logs()
try:
    fail_with("what somebody typed"[::-1])
except ValueError:
    logging.getLogger("portal").exception("could not")
"""


@pytest.fixture(scope="module")
def line():
    """What a program of its own says of an error: pytest has its hand in our handlers."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stderr


def test_an_error_is_one_line_with_its_cause(line):
    said = json.loads(line)
    (told,) = said["exception"]
    assert (said["event"], said["level"]) == ("could not", "error")
    assert (told["exc_type"], told["exc_value"]) == ("ValueError", "it does not fit")
    assert told["frames"][-1]["name"] == "fail_with"


def test_no_local_variable_is_logged(line):
    assert "what somebody typed"[::-1] not in line
