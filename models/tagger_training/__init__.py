"""What train_tagger.py is made of: texts with marked names, and the network that learns from them."""
