"""The SDK's runtime for this process; the runtime logs only errors."""

from __future__ import annotations

from functools import cache

from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter


@cache
def quiet_runtime() -> Runtime:
    """Return the runtime of this process.

    The SDK retries calls while a server restarts. The SDK's default runtime would print a warning for each retry.
    Python's logging cannot suppress these warnings.
    """
    errors_only = TelemetryFilter(core_level="ERROR", other_level="ERROR")
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter=errors_only)))
