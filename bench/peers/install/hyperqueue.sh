#!/bin/sh
# hyperqueue.sh FOLDER: the versions of hyperqueue.txt, from PyPI, in a virtual environment of their own. PYTHON names the interpreter (3.11).
set -eu
. "$(dirname "$0")/venv.sh"
make_venv hyperqueue "$1"
