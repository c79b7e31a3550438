"""A notebook's kernel ends, with its lab, some minutes after the notebook was closed: named by our Jupyter settings."""

from __future__ import annotations

from typing import Any

from jupyter_server._tz import utcnow
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

IDLE_SECONDS = 10 * 60
"""A page that is loaded again connects within seconds. A network that was lost mostly comes back within minutes."""

LOOK_EVERY_SECONDS = 60


class KernelsOfOpenTabs(AsyncMappingKernelManager):
    """Jupyter's kernels. Culling counts from the moment at which a kernel's last tab was closed.

    Jupyter alone counts from the kernel's last activity: after an idle hour, a reload of the page could end the kernel.
    """

    def notify_disconnect(self, kernel_id: str) -> None:
        """Note that a tab has left the kernel; called by Jupyter."""
        super().notify_disconnect(kernel_id)  # type: ignore[no-untyped-call]
        kernel: Any = self._kernels.get(kernel_id)
        if kernel is not None:
            kernel.last_activity = utcnow()
