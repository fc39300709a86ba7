"""What pixels tell about themselves: border noise, the baseline offset, and the fit of the sensors."""
