"""What the project costs and how often it is wrong, measured: see each module."""
