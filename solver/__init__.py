"""Requests, states, models and the proof."""
