"""The one door to business data: screens, API, jobs, imports and plugins all come through here."""
