"""How a token is got: OAuth, Entra, the browser, the listener and the pasted answer."""
