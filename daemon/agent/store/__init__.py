"""Session stores: a second copy of the transcripts, in a database of its own, so that another machine can go on.

Each adapter keeps the contract of the SDK's ``SessionStore`` and adds what a copy needs on which a session is resumed:
its end, a cut, and a holder. The SDK's own mirror is not used: it writes the entries of dropped turns too, leaves a
silent hole behind a failure, and resumes in a directory of its own, past our cut (all measured).
"""
