"""The environment variables of the tests."""

import os

# What someone's shell has set besides, such as a proxy or CHARLOOM_STORE, would change what the tests find.
KEPT = {"HOME", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "USER"}

for name in list(os.environ):
    if name not in KEPT and not name.startswith("PYTEST_"):
        del os.environ[name]

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

# There are as many processes of tests as cores, so a second thread of TensorFlow would only wait for a core.
os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
