"""The SDK's runtime of this process, which logs errors only."""

from __future__ import annotations

from functools import cache

from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter


@cache
def quiet_runtime() -> Runtime:
    """Return the runtime of this process.

    The runtime retries calls while a server restarts. Its default would print a warning for each retry into the
    notebook; Python's logging cannot stop such warnings.
    """
    errors_only = TelemetryFilter(core_level="ERROR", other_level="ERROR")
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter=errors_only)))
