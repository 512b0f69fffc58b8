"""autoprof-ci: stops performance regressions of native programs before they are merged."""

__version__ = "0.1.0"
