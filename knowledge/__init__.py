"""The knowledge database: ledger, cases, people, decisions, actions, sessions. It never imports the daemon."""
