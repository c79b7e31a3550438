"""Kernels that are forked from one process, so the kernels share the memory of common modules.

CourseKernels uses forked kernels on Linux only. A forked kernel with a lab needs 72 MiB of memory (PSS) instead of 135.
If a fork is not possible, a kernel starts as an ordinary process.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pathlib
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import NATIVE_KERNEL_NAME
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from loyalty.lab.jupyter.forking.forked_process import ForkServers
from loyalty.lab.jupyter.kernelspec import FORKED

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

MODULE = "ipykernel_launcher"

log = logging.getLogger(__name__)

_servers = ForkServers()


class ForkedKernels(LocalProvisioner):
    """Starts each kernel as a fork of the fork server.

    If the fork fails, the base class LocalProvisioner starts the kernel.
    """

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start a kernel with the command `cmd`; see LocalProvisioner."""
        options = {name: value for name, value in self._scrub_kwargs(kwargs).items() if value is not None}
        environment, folder = options.pop("env", None), options.pop("cwd", None)
        at = cmd.index("-m") if "-m" in cmd else 0
        if options or environment is None or cmd[at + 1 : at + 2] != [MODULE]:
            return await super().launch_kernel(cmd, **kwargs)
        try:
            process = await asyncio.to_thread(_servers.fork, cmd[:at], cmd[at + 1 :], folder, environment)
        except OSError as error:
            log.warning("This kernel shares no memory with other kernels: %s", error)
            return await super().launch_kernel(cmd, **kwargs)
        self.process = process  # type: ignore[assignment]
        self.pid = self.pgid = process.pid
        self.cwd = folder or pathlib.Path.cwd()
        return self.connection_info


# ---- the server extension: do the imports before the first kernel starts --------------------------------------


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Return the module of the extension; Jupyter calls this function."""
    return [{"module": "loyalty.lab.jupyter.forking.forked_kernels"}]


def _load_jupyter_server_extension(app: ServerApp) -> None:
    """Start the fork server; Jupyter calls this function when JupyterLab is ready."""
    app.io_loop.add_callback(_begin, app)


def _begin(app: ServerApp) -> None:
    assert app.kernel_spec_manager is not None  # JupyterLab has made it by now
    kernel = app.kernel_spec_manager.get_kernel_spec(NATIVE_KERNEL_NAME)
    if kernel.metadata.get("kernel_provisioner", {}).get("provisioner_name") == FORKED:
        interpreter, environment = kernel.argv[: kernel.argv.index("-m")], {**os.environ, **kernel.env}
        threading.Thread(target=_prepare, args=(interpreter, environment), daemon=True).start()


def _prepare(interpreter: Sequence[str], environment: Mapping[str, str]) -> None:
    with contextlib.suppress(OSError):  # the first kernel tries again, and logs the error
        _servers.prepare(interpreter, environment)
