"""Parts of tools/train_digits.py; README.md says which file does what."""
