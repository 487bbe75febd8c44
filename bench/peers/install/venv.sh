# What the install scripts share, to be read by them: make_venv NAME FOLDER makes the virtual environment of NAME.txt
# in FOLDER, unless it is there. The stamp is written last, so an interrupted install is made anew.
make_venv() {
  lock=$(dirname "$0")/$1.txt
  if cmp -s "$lock" "$2/installed.txt"; then exit 0; fi
  echo "$1: installing into $2" >&2
  rm -rf "$2"
  "${PYTHON:-python3}" -m venv "$2"
  "$2/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$lock"
  cp "$lock" "$2/installed.txt"
}
