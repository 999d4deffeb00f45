"""What models cost in a month, as the stage has counted it."""
