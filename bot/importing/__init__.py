"""`xiaoge import`: the registry from the tables that a community keeps anyway."""
