"""The page. The only place that imports gradio."""

import os

# Before gradio is imported: no version check, no telemetry, no request to anyone at start.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
