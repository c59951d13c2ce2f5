"""What every estimator and encoder must do, and tiny models to try things with."""
