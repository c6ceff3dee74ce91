"""Take over a classic nbgrader assignment, whose tests stand in its notebook; and turn those tests into checks to begin with."""
