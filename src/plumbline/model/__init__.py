"""The words of the audit as enums and frozen types; what each means stands in docs/glossary.md. Imports nothing of ours."""
