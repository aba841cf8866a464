"""The painter: VGG features, losses and the optimisation of the picture itself."""
