"""Names of metrics in the manifest that the card shows beside others."""

FACTOR = "calibration_factor"
UNCALIBRATED_NATS = "uncalibrated_nats"
WINDOWS_NATS = "windows_nats"
TEST_NATS = "test_nats"
