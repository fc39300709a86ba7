"""Transfer of pretrained encoders to the downstream sets: training, scores, and what a run leaves behind."""
