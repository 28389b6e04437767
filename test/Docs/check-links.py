"""Checks the relative links of all Markdown pages, and the files that they name in backquotes.

    check-links.py SOURCE
"""

import os
import re
import subprocess
import sys


def main():
    root, errors = sys.argv[1], []
    files = subprocess.run(["git", "-C", root, "ls-files", "*.md"], capture_output=True, text=True).stdout.split()
    if not files:  # no repository: an archive of the sources
        files = [os.path.relpath(os.path.join(folder, name), root)
                 for folder, _, names in os.walk(root) for name in names if name.endswith(".md")]
    for page in files:
        with open(os.path.join(root, page)) as file:
            text = file.read()
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            if not os.path.exists(os.path.join(root, os.path.dirname(page), link)):
                errors.append("%s: no file '%s'" % (page, link))
        # Paths from the root, with a folder of the project first.
        for path in re.findall(r"`((?:cmake|docs|examples|include|lib|runtime|scripts|test|tools)/[\w./-]+)`", text):
            if not os.path.exists(os.path.join(root, path)):
                errors.append("%s: no file '%s'" % (page, path))
    if errors:
        sys.exit("\n".join(errors))


if __name__ == "__main__":
    main()
