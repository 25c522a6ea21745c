"""clerkd: a digital employee as a daemon."""
