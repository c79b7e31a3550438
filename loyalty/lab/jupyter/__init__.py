"""The course's JupyterLab: the server extension, the kernels, the settings, and the docked Web UI."""
