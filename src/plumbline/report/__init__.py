"""Words: what one assessment says, for people (html) and for other programs (json, csv). Judges nothing."""
