"""EDGE: measuring in a container of its own, beside ours, so that the measured program finds no token, socket or network."""
