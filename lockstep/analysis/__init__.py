"""Analysis makes numbers of many runs: groups of seeds, curves, statistics, plots, exports, and the report."""
