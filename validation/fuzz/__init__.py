"""Tables and specs drawn at random, counted by the package and by plain loops, which must agree."""
