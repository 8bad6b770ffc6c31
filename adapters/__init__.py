"""The outside world: Flux, the command line, files."""
