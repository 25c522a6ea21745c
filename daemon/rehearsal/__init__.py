"""The rehearsal: a stand-in for the model, an embedded mail server and a sample mailbox. No key, no account."""
