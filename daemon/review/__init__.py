"""What a person reads: the decision log and the state of the service, as values, tables and JSON."""
