"""JupyterLab's settings for the course: start page, kernels and log.

The course uses a settings file instead of arguments, because JupyterLab refuses an argument that appears twice.
"""

import os

import zmq

from loyalty.lab.course.location import COURSE, FIRST_PAGE, PLAIN_PAGE, has_notebooks
from loyalty.lab.jupyter.closed_tabs import IDLE_SECONDS, LOOK_EVERY_SECONDS
from loyalty.lab.jupyter.codespaces import origin_pattern

c = get_config()  # type: ignore[name-defined]  # noqa: F821  # Jupyter defines it
c.ServerApp.root_dir = str(COURSE)
c.ServerApp.allow_origin_pat = origin_pattern(os.environ)
c.LabApp.default_url = FIRST_PAGE if has_notebooks() else PLAIN_PAGE
# Without encryption, each kernel prints a warning in the learner's terminal.
c.KernelManager.transport_encryption = "auto" if zmq.has("curve") else "disabled"
c.ServerApp.kernel_spec_manager_class = "loyalty.lab.jupyter.kernelspec.CourseKernels"
c.ServerApp.kernel_manager_class = "loyalty.lab.jupyter.closed_tabs.KernelsOfOpenTabs"
c.MappingKernelManager.cull_idle_timeout = IDLE_SECONDS
c.MappingKernelManager.cull_interval = LOOK_EVERY_SECONDS
c.Application.log_level = "WARN"
