"""What can be seen from outside: metrics, recent requests, the parts' modes."""
