"""Hide what identifies a person before anything leaves; put it back into the answer."""
