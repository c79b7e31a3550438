"""The kernel of the course's notebooks: this Python's, whatever other kernels named `python3` the machine has.

Named by our jupyter_server_config.py.
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
"""Without it, a file such as re.py beside the notebook would replace the standard library's module in the kernel."""

FOLDER_LAST = "--InteractiveShellApp.exec_lines=__import__('sys').path.append('')"
"""The learner's own modules beside the notebook can be imported; they are the last place that Python looks in."""

FORKED = "loyalty-forked"
"""loyalty.lab.jupyter.forking.forked_kernels, as pyproject.toml names it."""

NO_HISTORY = "--HistoryManager.enabled=False"
"""The notebook is the history. IPython's database would need a folder that can be written and is on a local disk."""


class CourseKernels(KernelSpecManager):
    """All kernels that Jupyter finds, with this Python's as `python3`: JUPYTER_PATH or HOME may hold another one."""

    def find_kernel_specs(self) -> dict[str, str]:
        """Return the folder of each kernel, by name."""
        return {**super().find_kernel_specs(), NATIVE_KERNEL_NAME: RESOURCES}

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return how to start a kernel; raise NoSuchKernel if there is none of this name."""
        if kernel_name.lower() != NATIVE_KERNEL_NAME:
            return super().get_kernel_spec(kernel_name)
        how = get_kernel_dict(extra_arguments=[FOLDER_LAST, NO_HISTORY], python_arguments=SAFE_PATH)
        how["metadata"] = {**how.get("metadata", {}), **_provisioner()}
        return KernelSpec(resource_dir=RESOURCES, env=_profile(), **how)


def _provisioner() -> dict[str, object]:
    # Only Linux ends a forked kernel with its parent. An environment that was not installed anew lacks the name.
    is_there = entry_points(group=KernelProvisionerFactory.GROUP_NAME, name=FORKED)
    return {"kernel_provisioner": {"provisioner_name": FORKED}} if sys.platform == "linux" and is_there else {}


def _profile() -> dict[str, str]:
    # The learner's own profile may start other programs, choose where figures go, or switch `await` off.
    folder = os.environ.get(FOLDER)
    return {"IPYTHONDIR": str(Path(folder) / "ipython")} if folder else {}
