"""Collectors: they record facts and hold no opinion. Each source has its folder; none imports another."""
