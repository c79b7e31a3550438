"""The SDK's engine in this process, told to keep its retries to itself."""

from __future__ import annotations

from functools import cache

from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter


@cache
def quiet_runtime() -> Runtime:
    """Return the one engine of this process.

    It repeats a call that fails while a server restarts, and would write a warning for each time into the notebook,
    past Python's logging; what comes of the call, the caller learns anyway.
    """
    errors_only = TelemetryFilter(core_level="ERROR", other_level="ERROR")
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter=errors_only)))
