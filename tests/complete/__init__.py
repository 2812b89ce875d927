"""Walks of every registry."""
