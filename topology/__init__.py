"""Machines: what stands where."""
