"""The edge to the model: the one session, its turns, its tools and its transcript."""
