"""The course's kernel `python3` runs this Python, even if the machine has another `python3`.

The file jupyter_server_config.py makes JupyterLab use CourseKernels.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import entry_points
from pathlib import Path

from ipykernel.kernelspec import RESOURCES, get_kernel_dict
from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpec, KernelSpecManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory

from loyalty.lab.course.location import FOLDER

SAFE_PATH = ["-P"]
"""With this option, a file re.py beside the notebook does not replace the module of the standard library."""

FOLDER_LAST = "--InteractiveShellApp.exec_lines=__import__('sys').path.append('')"
"""A notebook can import the learner's modules beside it. Python searches their folder last."""

FORKED = "loyalty-forked"
"""The name of loyalty.lab.jupyter.forking.forked_kernels in pyproject.toml."""

NO_HISTORY = "--HistoryManager.enabled=False"
"""IPython keeps no history of commands, because its database would need a writable folder on a local disk."""


class CourseKernels(KernelSpecManager):
    """All kernels that Jupyter finds.

    The kernel `python3` runs this Python, even if the machine has another `python3`.
    """

    def find_kernel_specs(self) -> dict[str, str]:
        """Return a dictionary with the name and the folder of each kernel."""
        return {**super().find_kernel_specs(), NATIVE_KERNEL_NAME: RESOURCES}

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the specification of a kernel; raise NoSuchKernel if no kernel has this name."""
        if kernel_name.lower() != NATIVE_KERNEL_NAME:
            return super().get_kernel_spec(kernel_name)
        how = get_kernel_dict(extra_arguments=[FOLDER_LAST, NO_HISTORY], python_arguments=SAFE_PATH)
        how["metadata"] = {**how.get("metadata", {}), **_provisioner()}
        return KernelSpec(resource_dir=RESOURCES, env=_profile(), **how)


def _provisioner() -> dict[str, object]:
    # Only Linux ends a forked kernel with its parent. An older installation does not know the name FORKED.
    is_there = entry_points(group=KernelProvisionerFactory.GROUP_NAME, name=FORKED)
    return {"kernel_provisioner": {"provisioner_name": FORKED}} if sys.platform == "linux" and is_there else {}


def _profile() -> dict[str, str]:
    # The learner's own profile may start other programs, select another place for figures, or switch `await` off.
    folder = os.environ.get(FOLDER)
    return {"IPYTHONDIR": str(Path(folder) / "ipython")} if folder else {}
