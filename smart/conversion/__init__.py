"""Foreign weight files -> safetensors: the only place that knows foreign formats."""
