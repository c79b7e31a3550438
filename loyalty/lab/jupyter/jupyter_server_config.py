"""Where JupyterLab opens. Arguments would not do: one that the learner repeats is refused instead of overruled."""

import os

from loyalty.lab.codespaces import origin_pattern
from loyalty.lab.course import COURSE, FIRST_NOTEBOOK
from loyalty.lab.workspace import NAME

c = get_config()  # type: ignore[name-defined]  # noqa: F821  # Jupyter provides it
c.ServerApp.root_dir = str(COURSE)
c.ServerApp.allow_origin_pat = origin_pattern(os.environ)
c.LabApp.default_url = f"/lab/workspaces/{NAME}/tree/{FIRST_NOTEBOOK}"
c.Application.log_level = "WARN"
