"""From fitted ensembles of trees to steps: what they share, and a module for each family."""
