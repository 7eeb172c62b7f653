"""Teams uses a trained team: plays it, judges it anew, records its episodes, ships one as a demonstration."""
