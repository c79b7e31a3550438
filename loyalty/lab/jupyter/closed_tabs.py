"""End a notebook's kernel and lab some minutes after the learner closes the notebook.

The file jupyter_server_config.py makes JupyterLab use KernelsOfOpenTabs.
"""

from __future__ import annotations

from typing import Any

from jupyter_server._tz import utcnow
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

IDLE_SECONDS = 10 * 60
"""A reloaded page connects again within seconds, and after most network failures within minutes."""

LOOK_EVERY_SECONDS = 60


class KernelsOfOpenTabs(AsyncMappingKernelManager):
    """Jupyter's kernels. A kernel's idle time begins when the last tab of the kernel is closed.

    By default, the idle time begins with the kernel's last activity. With this default, a page
    reload after an idle hour could end the kernel.
    """

    def notify_disconnect(self, kernel_id: str) -> None:
        """Record that a tab was closed; Jupyter calls this method."""
        super().notify_disconnect(kernel_id)  # type: ignore[no-untyped-call]
        kernel: Any = self._kernels.get(kernel_id)
        if kernel is not None:
            kernel.last_activity = utcnow()
