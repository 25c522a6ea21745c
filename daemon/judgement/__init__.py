"""The functional core: values in, values out. No I/O, no clock, no await, and no other room is imported here."""
