"""One module for each protocol whose messages are read; `conversation.conversations` finds them by their place here."""
