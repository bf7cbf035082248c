"""Git's hooks: putting our shim where git looks for hooks and taking it away, and what each event does."""
