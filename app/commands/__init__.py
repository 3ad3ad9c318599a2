"""What each command does between its arguments and its exit code; `app.cli` puts them together."""
