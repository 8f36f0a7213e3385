"""Views: what the service said, as HTML in one language; no computation, no state."""
