"""How predictions of unknown unit get metric lengths before they are compared."""
