"""The pages on which people review the employee's work: server-rendered, for a browser on this machine or a proxy."""
