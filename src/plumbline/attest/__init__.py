"""Seals over bundles and assessments, and their verification; what may be shown of them, kept and destroyed. Judges nothing itself."""
