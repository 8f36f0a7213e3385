"""The web page: thin views over ``FaceService``; ``python -m webui`` serves page and API."""
