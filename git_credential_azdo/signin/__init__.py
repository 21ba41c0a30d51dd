"""How a token is obtained: OAuth, Entra, the browser, the loopback listener and the pasted redirect."""
