"""How label noise reaches a network layer by layer: trained on clean labels and on noisier ones, and compared."""
