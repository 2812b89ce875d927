"""The formats of firmware that are read; each module defines one FORMAT (see `format`)."""
