"""``python -m ood_face.cli``: the command without an installed script."""

from ood_face.cli.app import main

if __name__ == "__main__":
    main()
