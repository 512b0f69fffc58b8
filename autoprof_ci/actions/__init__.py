"""EDGE: GitHub, as a container action sees it. Knows nothing of measuring, deciding or wording."""
