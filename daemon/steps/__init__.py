"""The steps of a mail's way, one file each; ``daemon.loop`` tells them in order."""
