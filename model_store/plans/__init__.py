"""What a compiled model is: steps and arrays, as data. Nothing of it is ever unpickled."""
