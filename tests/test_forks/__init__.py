"""The trusted half against forks' runs that lie, break and disappear: what their pull request is told, and branch protection."""
