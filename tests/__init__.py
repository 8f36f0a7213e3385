"""The tests of ood_face."""
