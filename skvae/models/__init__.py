"""A fit from A to Z: what "auto" means, the fit itself, and what the fitted model says of rows."""
