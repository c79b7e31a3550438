"""JupyterLab as the course needs it: its extension, its kernels, its settings, and the docked Web UI."""
