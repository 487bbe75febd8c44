#!/bin/sh
# mlflow.sh FOLDER: the versions of mlflow.txt, from PyPI, in a virtual environment of their own. PYTHON names the interpreter (3.11).
set -eu
. "$(dirname "$0")/venv.sh"
make_venv mlflow "$1"
