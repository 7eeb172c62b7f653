"""Drawing holds what all pictures share: colors (`palette`), and a margin with a line of text (`page`)."""
