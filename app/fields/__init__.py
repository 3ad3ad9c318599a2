"""One class per field type: its settings, columns, parsing, checks, JSON, control and display."""
