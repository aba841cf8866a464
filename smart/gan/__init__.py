"""The sitter: generators that make a face from a seed."""
