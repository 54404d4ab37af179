# Sourced by the other scripts: sets `root` and defines `environment EXTRA...`, which ensures
# that the checkout's .venv holds the package and those extras, and sets `python` to its Python.
# What the first run does, and when something is built again, is written in environment.py.

root=$(CDPATH= cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd -P) || exit 1
script=scripts/$(basename -- "$0")

# The caller's own environments are neither read nor written.
unset PYTHONHOME PYTHONPATH VIRTUAL_ENV __PYVENV_LAUNCHER__

# No Python imports from its working directory: in the checkout those are uncompiled sources.
export PYTHONSAFEPATH=1

fail() {
    printf '%s: %s\n' "$script" "$1" >&2
    exit 1
}

environment() {
    python=$root/.venv/bin/python
    status=75
    while [ $status -eq 75 ]; do # once more, after waiting for another run
        if [ -n "${PYTHON:-}" ]; then
            base=$PYTHON
        elif "$python" -c '' 2>/dev/null; then
            base=$python
        else
            base=python3
        fi
        command -v -- "$base" >/dev/null ||
            fail "no $base: install Python 3.11 or later (Debian: apt-get install python3 python3-venv python3-dev)"
        "$base" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
            fail "$("$base" --version 2>&1) is too old: install Python 3.11 or later and name it, as in PYTHON=python3.12 $script"
        status=0
        "$base" -I "$root/scripts/environment.py" "$script" "$@" || status=$?
    done
    [ $status -eq 0 ] || exit $status
}

# run_script NAME ARGUMENTS...: one of the scripts in Python that import others of scripts/.
run_script() {
    PYTHONPATH=$root/scripts "$python" "$root/scripts/$@"
}

# A checksum of all that the build reads, in every folder of the kernels.
build_key() {
    "$python" -I "$root/scripts/environment.py" --build-key
}

# Copies what the build reads to a folder, without the output of other builds.
copy_sources() {
    rm -rf -- "$1/cynn" "$1/dist"
    mkdir -p -- "$1"
    cp -pR -- "$root/setup.py" "$root/pyproject.toml" "$root/README.md" "$root/LICENSE" "$root/cynn" "$1/"
    find "$1/cynn" -name '*.so' -delete
}

# What the package needs, and some of its extras: one a line, as pip reads it from a file.
requirements() {
    "$python" -c '
import sys, tomllib
project = tomllib.load(open(sys.argv[1], "rb"))["project"]
extras = [name for extra in sys.argv[2:] for name in project["optional-dependencies"][extra]]
print(*project["dependencies"], *extras, sep="\n")' "$root/pyproject.toml" "$@"
}
