"""What runs the service around the loop: ticks, signals, the watchdog, and the log."""
