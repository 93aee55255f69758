"""A process that holds secrets leaves no core, wherever its kernel would put it."""

import subprocess
import sys

import pytest

PR_GET_DUMPABLE = 3
ASKED = f"""
import ctypes, resource
from daemon.core_dumps import forbid_core_dumps
forbid_core_dumps()
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl({PR_GET_DUMPABLE}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_neither_into_a_file_nor_to_a_program():
    found = subprocess.run([sys.executable, "-c", ASKED], check=True, capture_output=True, text=True)

    assert "(0, 0) 0\n" == found.stdout
